/**
 * When a schedule is due: tick numbers that every replica derives alike from (name, key, interval)
 * and the time, and a time that a jumping wall clock can't turn into a burst or a stop. Pure; the
 * heartbeat that asks is in `scheduler.ts`.
 */

import { createHash } from 'node:crypto';
import { shortId } from '../lib/hash.ts';
import { millisFromTimestamp } from '../lib/time.ts';
import type { Clock } from '../contract/time.ts';

/** One registered schedule and what this process remembers of it. */
export interface Schedule {
  readonly name: string;
  readonly key: string;
  readonly intervalMs: number;
  /** Shifts this schedule's ticks against the others', so that they don't all fire at once. */
  readonly offsetMs: number;
  readonly lastTick: number | null;
  readonly lastRunMonotonicMs: number;
}

/** Heartbeats come once a second; nothing shorter can be kept. */
export const INTERVAL_MS_MIN = 1_000;

// Half the time for which a queue remembers a finished job's id: a tick older than that might be
// remembered by nobody, and a replica that starts late would run it a second time.
const CATCH_UP_MS_MAX = 1_800_000;

// How fast time passes for the schedules while the wall clock is behind: 30 s become 33 s.
const SLEW = 0.9;

export function newSchedule(name: string, key: string, intervalMs: number): Schedule {
  if (!(intervalMs >= INTERVAL_MS_MIN)) {
    throw new RangeError(`The interval ${intervalMs} ms of "${name}" is shorter than ${INTERVAL_MS_MIN} ms.`);
  }
  const offsetMs = offsetOf(name, key, intervalMs);
  return { name, key, intervalMs, offsetMs, lastTick: null, lastRunMonotonicMs: 0 };
}

/** Whole seconds, since that is when the heartbeat comes; the same in every replica. */
function offsetOf(name: string, key: string, intervalMs: number): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([name, key]))
    .digest();
  return (digest.readUInt32BE(0) % Math.floor(intervalMs / 1_000)) * 1_000;
}

/** A tick to run, or one to leave out; null while the present one has been dealt with. */
export type NextTick = { readonly tick: number; readonly run: boolean } | null;

/**
 * What to do now. Ticks that were slept through are not made up for. One that comes less than half an
 * interval (of real time) after the last run is left out: the first after a start, which runs at
 * once, or after the wall clock jumped forward. Left out and not put off, so that schedules stay
 * spread over their own seconds.
 */
export function nextTick(schedule: Schedule, nowMs: number, monotonicMs: number): NextTick {
  const { intervalMs, offsetMs, lastTick, lastRunMonotonicMs } = schedule;
  const tick = Math.floor((nowMs - offsetMs) / intervalMs);
  if (lastTick === null) return nowMs - tickDueMs(schedule, tick) <= CATCH_UP_MS_MAX ? { tick, run: true } : null;
  if (tick <= lastTick) return null;
  // A heartbeat may be late by its own second; that alone is no reason.
  const spacingMs = Math.min(intervalMs / 2, intervalMs - INTERVAL_MS_MIN);
  return { tick, run: monotonicMs - lastRunMonotonicMs >= spacingMs };
}

export function tickDueMs(schedule: Schedule, tick: number): number {
  return tick * schedule.intervalMs + schedule.offsetMs;
}

/** The interval is part of it: after a change of the interval the same number means another time. */
export function tickJobId(schedule: Schedule, tick: number): string {
  return `tick-${shortId(schedule.name, schedule.key, String(schedule.intervalMs))}-${tick}`;
}

/**
 * A time in milliseconds since 1970 that never goes back and never stands still. It follows the wall
 * clock forward at once. When the wall clock goes back it keeps going, a little slower, until the
 * wall clock has caught up: ticks that were used already can't come a second time.
 */
export function steadyTime(clock: Clock): () => number {
  let monotonicMs = clock.monotonicMs();
  let steadyMs = millisFromTimestamp(clock.now());
  return () => {
    const elapsedMs = clock.monotonicMs() - monotonicMs;
    monotonicMs += elapsedMs;
    steadyMs = Math.max(millisFromTimestamp(clock.now()), steadyMs + elapsedMs * SLEW);
    return steadyMs;
  };
}
