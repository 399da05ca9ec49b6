/**
 * Notices that the wall clock was set back, as by NTP on a machine that started with a wrong one, and has put right
 * what was stored with times that are still to come. Knows only clocks; what there is to do is handed in.
 */

import type { Component } from '../contract/component.ts';
import { describeError } from '../contract/fault.ts';
import type { Clock } from '../contract/time.ts';
import { TroubleLog, type TellLog } from '../lib/trouble-log.ts';
import { CLOCKS_DIFFER_MS_MAX, millisFromTimestamp } from '../lib/time.ts';
import type { Database } from '../store/database.ts';
import { bringBackFutureRows } from '../store/future-rows.ts';

const LOOK_EVERY_MS = 5_000;
const SET_BACK = 'set back';

export class ClockWatch implements Component {
  readonly name = 'clock';
  readonly #clock: Clock;
  readonly #putRight: () => Promise<void>;
  readonly #troubles: TroubleLog;
  /** By how much the wall clock is ahead of the monotonic one. */
  #aheadMs: number;
  #isSetBack = false;
  #looking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** `putRight` is repeated until it succeeds. */
  constructor(clock: Clock, log: TellLog, putRight: () => Promise<void>) {
    this.#clock = clock;
    this.#putRight = putRight;
    this.#troubles = new TroubleLog(log);
    this.#aheadMs = this.#measuredMs();
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      this.#looking ??= this.look().finally(() => {
        this.#looking = null;
      });
    }, LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }

  async look(): Promise<void> {
    const aheadMs = this.#measuredMs();
    // One that is slewed goes back by less between two looks.
    if (this.#aheadMs - aheadMs > CLOCKS_DIFFER_MS_MAX) this.#isSetBack = true;
    this.#aheadMs = aheadMs;
    if (!this.#isSetBack) return;
    try {
      await this.#putRight();
      this.#isSetBack = false;
      this.#troubles.over(SET_BACK, 'what was stored while the clock was ahead is put right');
    } catch (error) {
      const message = 'what was stored while the clock was ahead could not be put right';
      this.#troubles.failed(SET_BACK, { level: 'warn', message, reason: describeError(error) });
    }
  }

  #measuredMs(): number {
    return millisFromTimestamp(this.#clock.now()) - this.#clock.monotonicMs();
  }
}

/** `parts` that recorded something do it once more, in this order. */
export function watchClock(
  database: Database,
  clock: Clock,
  log: TellLog,
  parts: readonly { recordAgain(): Promise<void> }[],
): ClockWatch {
  return new ClockWatch(clock, log, async () => {
    await bringBack(database, clock, log);
    for (const part of parts) await part.recordAgain();
  });
}

/** At the start and after the clock was set back; says so where there was something. */
export async function bringBack(database: Database, clock: Clock, log: TellLog): Promise<void> {
  const latest = await bringBackFutureRows(database, clock);
  if (latest === null) return;
  log.warn(
    { now: clock.now(), latest },
    'The store has records of times that are still to come. What was seen last is dated now; the history keeps its times. If it is the clock of now that is wrong, set it right.',
  );
}
