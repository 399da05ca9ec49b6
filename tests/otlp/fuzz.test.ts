/** A few thousand broken bodies on every run; `node bench/otlp-fuzz.ts 1000000` for many. */

import { expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';

const BODIES = 6_000;

it('survives broken bodies: each is refused or read, nothing is thrown, nothing hangs', () => {
  const seed = Math.floor(Math.random() * 1_000_000_000);
  const report = fuzz(BODIES, seed);
  expect(report.decoded + report.refused).toBe(BODIES);
  // Both happen, or the mutations have become too weak or too strong to tell anything.
  expect(report.decoded).toBeGreaterThan(BODIES / 10);
  expect(report.refused).toBeGreaterThan(BODIES / 10);
  expect(report.invocations).toBeGreaterThan(BODIES / 10);
});
