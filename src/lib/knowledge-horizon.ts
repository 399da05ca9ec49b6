/**
 * Up to when everything that this process learnt can be read from the store. A row says since when
 * it is known, but it becomes visible only when its insert ends; an answer about what was known at a
 * time may be cited, so nothing may appear behind it later.
 *
 * It knows the writes of this process alone. A row that another replica is writing, or one whose
 * insert failed here and went through there all the same, may still appear behind an answer.
 */

import type { Clock, Timestamp } from '../contract/time.ts';
import { CLOCKS_DIFFER_MS_MAX, laterOf, millisBetween, nanosFromTimestamp, timestampFromNanos } from './time.ts';

/** A time that rows are about to be given. */
export interface Learning {
  readonly at: Timestamp;
  /** The rows are visible, or will never be written with this time. Safe twice. */
  readonly end: () => void;
}

export class KnowledgeHorizon {
  readonly #clock: Clock;
  readonly #inFlight = new Set<Learning>();
  /** The newest time that rows were given, and the newest that an answer was given with. */
  #stamped: Timestamp | null = null;
  #told: Timestamp | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The time for rows that are to be written: later than every answer so far. Until `end` is called
   * no answer reaches it, however long that takes: the answer is then older and says so.
   */
  begin(): Learning {
    const now = this.#now();
    const isAfterAll = (this.#told === null || now > this.#told) && (this.#stamped === null || now >= this.#stamped);
    const at = isAfterAll ? now : shifted(laterOf(this.#told, this.#stamped) ?? now, 1n);
    this.#stamped = at;
    const learning: Learning = { at, end: () => void this.#inFlight.delete(learning) };
    this.#inFlight.add(learning);
    return learning;
  }

  /** The time to answer with: now, or just before the oldest rows that are still being written. */
  reached(): Timestamp {
    let reached = laterOf(this.#now(), this.#stamped);
    for (const { at } of this.#inFlight) if (at <= reached) reached = shifted(at, -1n);
    this.#told = laterOf(this.#told, reached);
    return reached;
  }

  #now(): Timestamp {
    const now = this.#clock.now();
    const newest = laterOf(this.#told, this.#stamped);
    if (newest !== null && millisBetween(now, newest) > CLOCKS_DIFFER_MS_MAX) {
      // It was wrong before, and times that go on from there would stay wrong.
      this.#told = null;
      this.#stamped = null;
    }
    return now;
  }
}

function shifted(time: Timestamp, nanos: bigint): Timestamp {
  return timestampFromNanos(nanosFromTimestamp(time) + nanos);
}
