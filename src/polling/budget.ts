/**
 * How many requests a source may send in a minute. A few go out together, the rest are spread: the
 * generic cell rate algorithm (ITU-T I.371), which needs one number and no timer. Pure but for that number.
 */

import { MINUTE_MS } from '../lib/time.ts';

// As many as are sent at once without a budget.
const TOGETHER_MAX = 8;

export class Budget {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  /** When the next request would be due if all were spread evenly. */
  #dueMs = 0;

  constructor(requestsPerMinute: number) {
    this.#intervalMs = MINUTE_MS / requestsPerMinute;
    this.#toleranceMs = (Math.min(TOGETHER_MAX, Math.max(1, Math.floor(requestsPerMinute / 4))) - 1) * this.#intervalMs;
  }

  /** Counts one more request; returns how long it has to wait. `nowMs` never goes back. */
  take(nowMs: number): number {
    const waitMs = Math.max(0, this.#dueMs - this.#toleranceMs - nowMs);
    this.#dueMs = Math.max(this.#dueMs, nowMs) + this.#intervalMs;
    return waitMs;
  }
}
