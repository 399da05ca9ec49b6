/**
 * While the store works, senders are answered as fast as it loads: what waits in memory stays
 * little, and is cheap to keep. Each request waits a moment at most, so that a slower store still
 * fills the spool, and only a full spool refuses.
 */

import { sleep } from '../../lib/limits.ts';

// All that wait look again together.
const LOOK_MS = 20;

export class Pace {
  readonly #isBehind: () => boolean;
  readonly #waitMsMax: number;
  #next: Promise<void> | null = null;

  constructor(isBehind: () => boolean, waitMsMax: number) {
    this.#isBehind = isBehind;
    this.#waitMsMax = waitMsMax;
  }

  /** Resolves when loading has caught up, or has had its time. */
  async wait(): Promise<void> {
    for (let waitedMs = 0; waitedMs < this.#waitMsMax && this.#isBehind(); waitedMs += LOOK_MS) {
      this.#next ??= sleep(LOOK_MS).finally(() => {
        this.#next = null;
      });
      await this.#next;
    }
  }
}
