/** How the polls of one source went: what is told of it, and for how long it is left alone. In memory only. */

import type { Clock, Timestamp } from '../contract/time.ts';
import { exactMillisBetween } from '../lib/time.ts';
import { pauseMs } from './back-off.ts';
import type { PollCounts, PollEvent, SourceStatus } from './poll-event.ts';
import type { OpenSource } from './source-config.ts';

export const NO_COUNTS: PollCounts = { held: 0, unchanged: 0, missing: 0, unreachable: 0 };

/** A poll that is over, whatever part of the targets it asked for. */
export interface EndedPoll {
  /** Monotonic. */
  readonly startedMs: number;
  readonly counts: PollCounts;
  /** Why a target could not be read; null where all could. */
  readonly reason: string | null;
  /** For how long the source asked to be left alone. */
  readonly retryAfterMs: number | null;
  /** Whether all that was heard is stored. */
  readonly isRecorded: boolean;
}

export class PollHistory {
  readonly #source: OpenSource;
  readonly #clock: Clock;
  #pausedUntilMs = 0;
  /** Until then the source itself asked to be left alone. */
  #throttledUntilMs = 0;
  /** When the last read of all targets began of which every answer was recorded, by the monotonic clock. */
  #heardOfAllFromMs = -Infinity;
  #failuresInARow = 0;
  #lastReason: string | null = null;
  #lastPollAt: Timestamp | null = null;
  #lastAnswerAt: Timestamp | null = null;
  #lastCounts: PollCounts = NO_COUNTS;

  constructor(source: OpenSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  get status(): SourceStatus {
    const { name, type, environment, everyMs, targets } = this.#source;
    return {
      name,
      type,
      environment,
      everyMs,
      targets: targets.length,
      lastPollAt: this.#lastPollAt,
      lastAnswerAt: this.#lastAnswerAt,
      failuresInARow: this.#failuresInARow,
      lastReason: this.#lastReason,
      pausedForMs: Math.max(0, this.#pausedUntilMs - this.#clock.monotonicMs()),
      lastCounts: this.#lastCounts,
    };
  }

  /** Scheduled polls are left out. */
  get isPaused(): boolean {
    return this.#clock.monotonicMs() < this.#pausedUntilMs;
  }

  /** So are looks that nobody waits for: the source itself asked to be left alone. */
  get isThrottled(): boolean {
    return this.#clock.monotonicMs() < this.#throttledUntilMs;
  }

  /** Whether all that a poll that was due then asks for was asked after it, answered and recorded: as by the first poll after a start. */
  hasHeardOfAllSince(due: Timestamp): boolean {
    // By the monotonic clock: else a wall clock that was put back would leave out polls until it has caught up.
    const agoMs = Math.max(0, exactMillisBetween(due, this.#clock.now()));
    return this.#heardOfAllFromMs >= this.#clock.monotonicMs() - agoMs;
  }

  /** What is to be told of the poll. */
  ended({ startedMs, counts, reason, retryAfterMs, isRecorded: recorded }: EndedPoll): PolledFacts {
    const { everyMs, targets } = this.#source;
    const { held, unchanged, missing, unreachable } = counts;
    const answered = held + unchanged + missing > 0;
    const nowMs = this.#clock.monotonicMs();
    const heardOfAll = unreachable === 0 && held + unchanged + missing >= targets.length;
    if (heardOfAll && recorded) this.#heardOfAllFromMs = startedMs;
    this.#failuresInARow = answered || unreachable === 0 ? 0 : this.#failuresInARow + 1;
    this.#throttledUntilMs = nowMs + (retryAfterMs ?? 0);
    this.#pausedUntilMs = nowMs + pauseMs(this.#failuresInARow, everyMs, retryAfterMs);
    this.#lastReason = reason;
    this.#lastPollAt = this.#clock.now();
    if (answered) this.#lastAnswerAt = this.#lastPollAt;
    this.#lastCounts = { held, unchanged, missing, unreachable };
    return { durationMs: nowMs - startedMs, reason, heardOfAll, recorded, ...this.#lastCounts };
  }
}

type PolledFacts = Omit<Extract<PollEvent, { readonly kind: 'polled' }>, 'kind' | 'source' | 'type'>;
