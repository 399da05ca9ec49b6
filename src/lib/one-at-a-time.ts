/** Runs work about the same key one after the other, and work about different keys side by side. */

export class OneAtATime {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Settles as `work` does. One that fails does not hold up the next. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    this.#tails.set(key, settled);
    try {
      return await mine;
    } finally {
      // The last in line takes the key away, so that the map holds only what is going on.
      if (this.#tails.get(key) === settled) this.#tails.delete(key);
    }
  }

  /** Resolves when everything that was started has settled. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values());
  }
}
