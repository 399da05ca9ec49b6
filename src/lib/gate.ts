/** Lets at most so much work run at once; the rest waits in the order it came. */

interface Waiting {
  readonly weight: number;
  readonly enter: () => void;
}

export class Gate {
  readonly #atOnce: number;
  #running = 0;
  readonly #waiting: Waiting[] = [];

  /** `atOnce`: how many pieces, or of what together. */
  constructor(atOnce: number) {
    this.#atOnce = Math.max(1, atOnce);
  }

  /** Rejects with the signal's reason when it aborts while waiting. One that weighs more than may run at once runs alone. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal, weight = 1): Promise<T> {
    await this.#enter(signal, weight);
    try {
      return await work();
    } finally {
      this.#running -= weight;
      this.#letIn();
    }
  }

  async #enter(signal: AbortSignal | undefined, weight: number): Promise<void> {
    signal?.throwIfAborted();
    if (this.#waiting.length === 0 && this.#hasRoom(weight)) {
      this.#running += weight;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const waiting = { weight, enter };
      const giveUp = (): void => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal?.reason as Error);
        this.#letIn();
      };
      this.#waiting.push(waiting);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Their room is taken here and not when they go on, so that nobody slips in between. */
  #letIn(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.weight); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#running += next.weight;
      next.enter();
    }
  }

  #hasRoom(weight: number): boolean {
    return this.#running === 0 || this.#running + weight <= this.#atOnce;
  }
}
