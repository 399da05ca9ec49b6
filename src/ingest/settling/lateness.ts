/** How far settling is behind: for how long calls that are due have been waiting for the round that goes on. */

// With fewer a round is over soon, unless it is the store that takes its time.
const BUSY_FACTS = 1_000;

/** What was found due, and whether there was more than is settled in one round. */
interface Look {
  /** Monotonic milliseconds, as all times here. */
  readonly atMs: number;
  readonly facts: number;
  readonly isCut: boolean;
}

const NOTHING_DUE: Look = { atMs: 0, facts: 0, isCut: false };

export class Lateness {
  #last: Look = NOTHING_DUE;
  #waitingSinceMs = 0;

  /** A round begins with so many facts, or there is none. */
  looked(atMs: number, facts: number, isCut: boolean): void {
    // What was left out the last time has waited since then.
    this.#waitingSinceMs = this.#last.isCut ? this.#last.atMs : atMs;
    this.#last = { atMs, facts, isCut };
  }

  /** Some of the round is left to the next one. */
  cutShort(): void {
    this.#last = { ...this.#last, isCut: true };
  }

  /** The round failed: nothing is settled for a while, and whoever waited would wait in vain. */
  failed(): void {
    this.#last = NOTHING_DUE;
  }

  /** Whether the last round left something to the next one. */
  get isCut(): boolean {
    return this.#last.isCut;
  }

  /** In milliseconds; 0 while it is a moment's work. */
  at(nowMs: number): number {
    return this.#last.facts < BUSY_FACTS ? 0 : nowMs - this.#waitingSinceMs;
  }
}
