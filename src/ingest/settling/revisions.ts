/**
 * Numbers what is written of calls: of two rows of a call the one with the higher revision holds. They are nanoseconds
 * since 1970, and always more than any before, whatever the clock says: that of another replica may be ahead.
 */

import type { Timestamp } from '../../contract/time.ts';
import { nanosFromTimestamp } from '../../lib/time.ts';

export class Revisions {
  #highest = 0n;

  /** A row with this revision is there. */
  passed(revision: bigint): void {
    if (revision > this.#highest) this.#highest = revision;
  }

  /** Those to come are at least of then. */
  advanceTo(now: Timestamp): void {
    this.passed(nanosFromTimestamp(now));
  }

  readonly next = (): bigint => {
    this.#highest += 1n;
    return this.#highest;
  };
}
