import { expect, test } from 'vitest';
import { logGamma } from '../../src/statistics/log-gamma.ts';

test('factorials', () => {
  let log = 0;
  for (let n = 1; n <= 170; n += 1) {
    log += Math.log(n);
    expect(Math.abs(logGamma(n + 1) - log)).toBeLessThanOrEqual(1e-12 * Math.max(1, log));
  }
});

test('halves, and numbers near 0', () => {
  // The square root of pi, and from there by the functional equation.
  let log = 0.5 * Math.log(Math.PI);
  for (let x = 0.5; x < 40; x += 1) {
    expect(logGamma(x)).toBeCloseTo(log, 11);
    log += Math.log(x);
  }
  expect(logGamma(1e-6)).toBeCloseTo(Math.log(1e6) - 0.5772156649e-6, 10);
});

test('between them it goes on as the functional equation says', () => {
  for (const x of [0.02, 0.37, 1.9, 6.2, 6.99, 7.01, 123.4, 98_765.4])
    expect(logGamma(x + 1) - logGamma(x)).toBeCloseTo(Math.log(x), 8);
});
