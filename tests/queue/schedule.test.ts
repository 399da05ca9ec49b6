/** Schedules under an injected clock: offsets, replicas, and a wall clock that jumps. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Json } from '../../src/contract/prompt.ts';
import { newSchedule, nextTick, steadyTime, tickJobId } from '../../src/queue/schedule.ts';
import { createScheduler } from '../../src/queue/scheduler.ts';
import type { Scheduler } from '../../src/queue/scheduler.ts';
import { turnedClock } from './turned-clock.ts';
import type { TurnedClock } from './turned-clock.ts';

const HOUR_MS = 3_600_000;
const silent = { info: () => {}, warn: () => {}, error: () => {} };

interface Offered {
  readonly atMonotonicMs: number;
  readonly key: string;
  readonly id: string;
  readonly data: { readonly key: string; readonly tick: number; readonly dueAt: string };
}

/** A scheduler whose ticks are written down instead of queued. */
function observed(clock: TurnedClock, keys: readonly string[], intervalMs: number) {
  const offered: Offered[] = [];
  const scheduler = createScheduler(clock, silent, async (_name: string, data: Json, id: string) => {
    const typed = data as unknown as Offered['data'];
    offered.push({ atMonotonicMs: clock.monotonicMs(), key: typed.key, id, data: typed });
  });
  for (const key of keys) scheduler.every('poll', key, intervalMs, { key });
  return { scheduler, offered };
}

async function beatFor(scheduler: Scheduler, clock: TurnedClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await scheduler.beat();
    clock.pass(1_000);
  }
}

test('each key runs at once, then once per interval, at its own second', async () => {
  const clock = turnedClock();
  const keys = Array.from({ length: 200 }, (_, i) => `source-${i}`);
  const { scheduler, offered } = observed(clock, keys, 30_000);
  await beatFor(scheduler, clock, 301);
  for (const key of keys) {
    const [first = 0, ...later] = offered.filter((each) => each.key === key).map((each) => each.data.tick);
    const [second = 0] = later;
    // The one that was going on at the start; the next, unless it follows too closely; then every one.
    expect(second - first).toBeLessThanOrEqual(2);
    expect(later).toEqual(Array.from({ length: 11 - (second - first) }, (_, i) => second + i));
  }
  // After the start the 200 are spread over the 30 seconds: about 7 in each, never all.
  const perSecond = new Map<number, number>();
  for (const { atMonotonicMs } of offered.slice(keys.length)) {
    perSecond.set(atMonotonicMs, (perSecond.get(atMonotonicMs) ?? 0) + 1);
  }
  expect(Math.max(...perSecond.values())).toBeLessThan(25);
});

test('replicas that beat at different moments derive the same ids', async () => {
  const clock = turnedClock();
  const first = observed(clock, ['a', 'b'], 10_000);
  const second = observed(clock, ['b', 'a'], 10_000);
  for (let i = 0; i < 60; i++) {
    await first.scheduler.beat();
    clock.pass(400);
    await second.scheduler.beat();
    clock.pass(600);
  }
  const ids = (offered: readonly Offered[]): string[] => offered.map((each) => each.id).toSorted();
  expect(ids(second.offered)).toEqual(ids(first.offered));
  expect(new Set(ids(first.offered)).size).toBe(first.offered.length);
  expect(ids(first.offered).every((id) => /^[\w.-]+$/.test(id))).toBe(true);
});

test('a tick that could not be queued is offered again at the next heartbeat; one line says so', async () => {
  const clock = turnedClock();
  const said: string[] = [];
  let away = true;
  const queued: string[] = [];
  const say = (_fields: object, message: string): void => void said.push(message);
  const scheduler = createScheduler(clock, { info: say, warn: say, error: say }, async (_name, _data, id) => {
    if (away) throw new Fault('transient', 'Redis is away.');
    queued.push(id);
  });
  scheduler.every('poll', 'a', 60_000, null);
  await beatFor(scheduler, clock, 5);
  expect(queued).toEqual([]);
  away = false;
  await beatFor(scheduler, clock, 5);
  expect(queued).toHaveLength(1);
  expect(said).toHaveLength(2);
});

test('long intervals are not caught up after a late start', () => {
  const day = 24 * HOUR_MS;
  const schedule = newSchedule('report', 'daily', day);
  const dueMs = 20_000 * day + schedule.offsetMs;
  expect(nextTick(schedule, dueMs + 60_000, 0)).toEqual({ tick: 20_000, run: true });
  expect(nextTick(schedule, dueMs + 2 * HOUR_MS, 0)).toBeNull();
  expect(nextTick(schedule, dueMs + day, 0)).toEqual({ tick: 20_001, run: true });
});

test('a changed interval has ids of its own', () => {
  expect(tickJobId(newSchedule('poll', 'a', 30_000), 7)).not.toBe(tickJobId(newSchedule('poll', 'a', 60_000), 7));
});

describe('a wall clock that jumps', () => {
  test.each([
    ['forward an hour', HOUR_MS],
    ['back an hour', -HOUR_MS],
    ['forward 56 years, as at boot without a battery', 56 * 365 * 24 * HOUR_MS],
    ['back a year', -365 * 24 * HOUR_MS],
    ['back one second', -1_000],
  ])('%s: no burst, no stop', async (_words, jumpMs) => {
    const clock = turnedClock(jumpMs > 50 * 365 * 24 * HOUR_MS ? 0 : undefined);
    const keys = ['a', 'b', 'c'];
    const { scheduler, offered } = observed(clock, keys, 30_000);
    await beatFor(scheduler, clock, 120);
    clock.jump(jumpMs);
    await beatFor(scheduler, clock, 240);
    expectSteady(offered, keys, 30_000);
    // What is reported as due is never in the future.
    expect(offered.every((each) => each.data.dueAt <= clock.now() || jumpMs < 0)).toBe(true);
  });

  test('any jumps at any times: each key runs at least every other interval and never twice in half of one', async () => {
    const jump = fc.record({
      afterSeconds: fc.integer({ min: 1, max: 90 }),
      millis: fc.integer({ min: -3 * HOUR_MS, max: 3 * HOUR_MS }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(jump, { maxLength: 6 }), fc.constantFrom(5_000, 20_000), async (jumps, intervalMs) => {
        const clock = turnedClock();
        const keys = ['a', 'b'];
        const { scheduler, offered } = observed(clock, keys, intervalMs);
        for (const { afterSeconds, millis } of jumps) {
          await beatFor(scheduler, clock, afterSeconds);
          clock.jump(millis);
        }
        await beatFor(scheduler, clock, 100);
        expectSteady(offered, keys, intervalMs);
        expect(new Set(offered.map((each) => each.id)).size).toBe(offered.length);
      }),
      { numRuns: 60 },
    );
  });

  test('the steady time returns to the wall clock', () => {
    const clock = turnedClock();
    const now = steadyTime(clock);
    clock.jump(-60_000);
    for (let second = 0; second < 700; second++) {
      clock.pass(1_000);
      now();
    }
    expect(now()).toBe(Date.parse(clock.now()));
  });

  /** Spacing in real time: not under half an interval, not over two (and the heartbeat's second). */
  function expectSteady(offered: readonly Offered[], keys: readonly string[], intervalMs: number): void {
    for (const key of keys) {
      const times = offered.filter((each) => each.key === key).map((each) => each.atMonotonicMs);
      expect(times.length).toBeGreaterThan(2);
      const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(intervalMs / 2);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * intervalMs + 1_000);
    }
  }
});
