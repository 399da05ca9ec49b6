/** Keeps work that is done again and again to a part of the time: what takes longer is done less often. */

import type { Clock } from '../contract/time.ts';

export class TimeShare {
  readonly #clock: Clock;
  readonly #part: number;
  #tookMs = 0;
  #notBeforeMs = -Infinity;

  /** `part`: of the time, from above 0 to 1. */
  constructor(clock: Clock, part: number) {
    this.#clock = clock;
    this.#part = part;
  }

  /** How long the work took when it was last done, and how far apart it therefore is. */
  get pace(): { readonly tookMs: number; readonly everyMs: number } {
    return { tookMs: this.#tookMs, everyMs: this.#tookMs / this.#part };
  }

  /** Does the work, unless it would then take more than its part. False: it was left out. Work that fails has taken its time too. */
  async run(work: () => Promise<void>): Promise<boolean> {
    const startMs = this.#clock.monotonicMs();
    if (startMs < this.#notBeforeMs) return false;
    try {
      await work();
    } finally {
      this.#tookMs = this.#clock.monotonicMs() - startMs;
      this.#notBeforeMs = startMs + this.pace.everyMs;
    }
    return true;
  }
}
