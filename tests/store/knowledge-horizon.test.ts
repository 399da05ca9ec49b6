import { expect, test } from 'vitest';
import type { Timestamp } from '../../src/contract/time.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { time } from '../support/store-samples.ts';

function horizonAt(start: string) {
  const clock = { at: time(start), now: (): Timestamp => clock.at, monotonicMs: () => 0 };
  return { clock, horizon: new KnowledgeHorizon(clock) };
}

test('reaches now while nothing is being written, and up to the oldest of what is', () => {
  const { clock, horizon } = horizonAt('10:00:00');
  expect(horizon.reached()).toBe(time('10:00:00'));
  clock.at = time('10:00:01');
  const first = horizon.begin();
  clock.at = time('10:00:02');
  const second = horizon.begin();
  expect([first.at, second.at]).toEqual([time('10:00:01'), time('10:00:02')]);
  expect(horizon.reached()).toBe(time('10:00:00.999999999'));
  second.end();
  expect(horizon.reached()).toBe(time('10:00:00.999999999'));
  first.end();
  first.end();
  expect(horizon.reached()).toBe(time('10:00:02'));
});

test('gives no time that an answer has covered, in the same millisecond or by a clock that was set back', () => {
  const { clock, horizon } = horizonAt('10:00:00');
  horizon.reached();
  const same = horizon.begin();
  expect(same.at).toBe(time('10:00:00.000000001'));
  expect(horizon.reached()).toBe(time('10:00:00'));
  clock.at = time('09:59:30');
  const back = horizon.begin();
  expect(back.at).toBe(time('10:00:00.000000002'));
  same.end();
  back.end();
  // What was written with those times is known now.
  expect(horizon.reached()).toBe(time('10:00:00.000000002'));
});

test('follows a clock that had been wrong', () => {
  const { clock, horizon } = horizonAt('12:00:00');
  horizon.begin().end();
  horizon.reached();
  clock.at = time('10:00:00');
  expect(horizon.begin().at).toBe(time('10:00:00'));
});
