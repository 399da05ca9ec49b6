/** Long work lets others have their turn after each slice, and their time is not counted as its own. */

import { expect, it } from 'vitest';
import type { Clock } from '../../src/contract/time.ts';
import { Slices } from '../../src/lib/slices.ts';
import { resultOf, type Steps } from '../../src/lib/steps.ts';
import { systemClock } from '../../src/lib/time.ts';

function* work(each: () => void): Steps<string> {
  for (let step = 0; step < 10; step += 1) {
    each();
    yield;
  }
  return 'done';
}

it('stops when a slice is over, until others had their turn', async () => {
  let nowMs = 0;
  const clock: Clock = { now: () => systemClock.now(), monotonicMs: () => nowMs };
  const slices = new Slices(clock, 10);
  const happened: string[] = [];
  setImmediate(() => {
    happened.push('another');
    nowMs += 1_000;
  });
  const running = slices.run(
    work(() => {
      happened.push('step');
      nowMs += 4;
    }),
  );
  expect(await running).toBe('done');
  // After 12 ms for the first time.
  expect(happened.indexOf('another')).toBe(3);
  expect(slices.workedMs).toBe(40);
});

it('comes to the same in one go', () => {
  let steps = 0;
  expect(resultOf(work(() => (steps += 1)))).toBe('done');
  expect(steps).toBe(10);
});
