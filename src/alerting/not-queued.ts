/** Alerts that the queue did not take are offered again every few seconds until it does: Redis may be back at once. */

const OFFER_EVERY_MS = 2_000;

export class NotQueued {
  readonly #offer: (ids: ReadonlySet<string>) => Promise<void>;
  readonly #ids = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  /** `offer` is called as long as there are some, also when it throws. */
  constructor(offer: (ids: ReadonlySet<string>) => Promise<void>) {
    this.#offer = offer;
  }

  add(ids: Iterable<string>): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#ids.size > 0 && !this.#isStopped) this.#timer ??= setTimeout(() => void this.#again(), OFFER_EVERY_MS);
  }

  delete(id: string): void {
    this.#ids.delete(id);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #again(): Promise<void> {
    await this.#offer(new Set(this.#ids)).catch(() => undefined);
    this.#timer = null;
    this.add([]);
  }
}
