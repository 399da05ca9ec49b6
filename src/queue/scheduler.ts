/**
 * The heartbeat: once a second, in every replica, it offers the ticks that are due to the queue.
 * The queue's ids see to it that each tick becomes one job; this file must not care which replica won.
 */

import { forEachConcurrently } from '../lib/limits.ts';
import { formatDuration, millisFromTimestamp, timestampFromMillis } from '../lib/time.ts';
import { describeError } from '../contract/fault.ts';
import { TroubleLog } from '../lib/trouble-log.ts';
import type { Json } from '../contract/prompt.ts';
import type { Clock } from '../contract/time.ts';
import type { QueueLog } from './job-rules.ts';
import { newSchedule, nextTick, steadyTime, tickDueMs, tickJobId } from './schedule.ts';
import type { Schedule } from './schedule.ts';

/** Adds a tick's job; resolves once it exists, no matter who added it. */
export type OfferTick = (name: string, data: Json, id: string) => Promise<unknown>;

export interface Scheduler {
  every(name: string, key: string, intervalMs: number, data: Json): void;
  cancel(name: string, key: string): void;
  start(): void;
  stop(): void;
  /** One heartbeat. `start` calls it each second; tests call it with a clock of their own. */
  beat(): Promise<void>;
  /** What keeps work from being queued at the moment, for a person. */
  readonly problem: string | null;
}

// Adds of one heartbeat that are under way at once, and how many schedules there may be.
const OFFERS_AT_ONCE_MAX = 64;
const SCHEDULES_MAX = 100_000;
// Below this a clock that is behind is ordinary; above it a person should know.
const CLOCK_BEHIND_MS_MAX = 60_000;
const OFFER = 'offer';

interface Entry {
  schedule: Schedule;
  readonly data: { readonly [key: string]: Json };
}

export function createScheduler(clock: Clock, log: QueueLog, offer: OfferTick): Scheduler {
  const entries = new Map<string, Entry>();
  const now = steadyTime(clock);
  const troubles = new TroubleLog(log, () => clock.monotonicMs());
  let isClockBehind = false;
  let beating = false;

  const offerTick = async (entry: Entry, tick: number): Promise<void> => {
    const { schedule, data } = entry;
    const dueMs = Math.min(tickDueMs(schedule, tick), millisFromTimestamp(clock.now()));
    await offer(schedule.name, { ...data, tick, dueAt: timestampFromMillis(dueMs) }, tickJobId(schedule, tick));
    entry.schedule = { ...schedule, lastTick: tick, lastRunMonotonicMs: clock.monotonicMs() };
  };

  /** A tick that could not be offered stays due, so the next heartbeat tries again. */
  const offerAll = async (due: readonly (readonly [Entry, number])[]): Promise<void> => {
    let failure: unknown = null;
    await forEachConcurrently(due, OFFERS_AT_ONCE_MAX, async ([entry, tick]) => {
      await offerTick(entry, tick).catch((error: unknown) => {
        failure = error;
      });
    });
    if (failure !== null) {
      const message = 'Scheduled work could not be queued; trying again every second.';
      troubles.failed(OFFER, { level: 'warn', message, reason: describeError(failure) });
    } else if (due.length > 0) {
      troubles.over(OFFER, 'Scheduled work is queued again.');
    }
  };

  const beat = async (): Promise<void> => {
    // Redis may be slow: a heartbeat that is still going on does the work of the next one too.
    if (beating) return;
    beating = true;
    try {
      const nowMs = now();
      isClockBehind = warnOfClock(nowMs - millisFromTimestamp(clock.now()), isClockBehind, log);
      const monotonicMs = clock.monotonicMs();
      const due: (readonly [Entry, number])[] = [];
      for (const entry of entries.values()) {
        const next = nextTick(entry.schedule, nowMs, monotonicMs);
        if (next?.run === true) due.push([entry, next.tick]);
        else if (next !== null) entry.schedule = { ...entry.schedule, lastTick: next.tick };
      }
      await offerAll(due);
    } finally {
      beating = false;
    }
  };

  const heartbeat = everySecond(beat);
  return {
    every: (name, key, intervalMs, data) => {
      const id = JSON.stringify([name, key]);
      const schedule = newSchedule(name, key, intervalMs);
      const known = entries.get(id)?.schedule;
      if (known === undefined && entries.size >= SCHEDULES_MAX) {
        throw new RangeError(`More than ${SCHEDULES_MAX} schedules.`);
      }
      // Registered again, as after a reload of the configuration: what ran already has run.
      entries.set(id, { schedule: known?.intervalMs === intervalMs ? known : schedule, data: fields(data) });
    },
    cancel: (name, key) => void entries.delete(JSON.stringify([name, key])),
    start: heartbeat.start,
    stop: heartbeat.stop,
    beat,
    get problem() {
      const reason = troubles.reason(OFFER);
      return reason === null ? null : `Scheduled work, such as polls, can't be queued. ${reason}`;
    },
  };
}

function fields(data: Json): { readonly [key: string]: Json } {
  if (data === null) return {};
  if (typeof data === 'object' && !Array.isArray(data)) return data as { readonly [key: string]: Json };
  throw new RangeError('The data of a schedule must be an object or null: the tick is put beside its fields.');
}

function warnOfClock(behindMs: number, warned: boolean, log: QueueLog): boolean {
  if (behindMs > CLOCK_BEHIND_MS_MAX && !warned) {
    log.warn(
      { behindMs: Math.round(behindMs) },
      `The wall clock went back by ${formatDuration(behindMs)}. Schedules go on, up to a tenth slower until it has caught up; if the earlier time was wrong, restart the daemon.`,
    );
  }
  return behindMs > CLOCK_BEHIND_MS_MAX;
}

/**
 * At the beginning of each second of the wall clock, so that replicas offer the same ticks at the same time. The next
 * one is asked for anew each time and waited for by the monotonic clock, for a second at most: a wall clock that is put
 * back or forth neither stops it nor has it make up for anything.
 */
function everySecond(beat: () => Promise<void>): { readonly start: () => void; readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const arm = (): void => {
    timer = setTimeout(
      () => {
        arm();
        void beat();
      },
      1_000 - (Date.now() % 1_000),
    );
  };
  return {
    start: () => {
      if (timer === undefined) arm();
    },
    stop: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
