/** Lets at most so many pieces of work run at once; the rest waits in the order it came. */

export class Gate {
  readonly #atOnce: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#atOnce = Math.max(1, atOnce);
  }

  /** Rejects with the signal's reason when it aborts while waiting. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#running >= this.#atOnce) {
      await new Promise<void>((resolve, reject) => {
        const enter = (): void => {
          signal?.removeEventListener('abort', giveUp);
          // Taken here and not after the await, so that nobody slips in between.
          this.#running += 1;
          resolve();
        };
        const giveUp = (): void => {
          const index = this.#waiting.indexOf(enter);
          if (index >= 0) this.#waiting.splice(index, 1);
          reject(signal?.reason as Error);
        };
        this.#waiting.push(enter);
        signal?.addEventListener('abort', giveUp, { once: true });
      });
      return;
    }
    this.#running += 1;
  }
}
