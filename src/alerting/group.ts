/**
 * Alerts through one channel that come close together leave together. Two hundred prompts that one
 * pipeline overwrote are one message, and a lone alert waits for a moment only. Knows neither channels
 * nor rows.
 */

import { isFault } from '../contract/fault.ts';

/** More are another message, so that what waits in memory has a limit. */
export const GROUP_MAX = 200;
/** Nothing came for so long: what is there leaves. */
export const QUIET_MS = 1_000;
/** While more keeps coming, the first of them waits no longer than so many times that. */
const QUIET_TIMES_MAX = 5;
/** In a flood that goes on: a message a minute. */
const PATIENCE_TIMES_MAX = 12;

interface Waiting<Item, Receipt> {
  readonly item: Item;
  readonly sent: PromiseWithResolvers<Receipt>;
}

export class Gathering<Item, Receipt> {
  #quietMs: number;
  readonly #nowMs: () => number;
  readonly #send: (items: readonly Item[]) => Promise<Receipt>;
  #waiting: Waiting<Item, Receipt>[] = [];
  #whenQuiet: NodeJS.Timeout | undefined;
  #atLatest: NodeJS.Timeout | undefined;
  /** Doubles with each message that follows closely on another. */
  #patienceMs: number;
  #sentAtMs = Number.NEGATIVE_INFINITY;

  /** `send`: one message about all of these. `nowMs`: monotonic. */
  constructor(quietMs: number, nowMs: () => number, send: (items: readonly Item[]) => Promise<Receipt>) {
    this.#quietMs = quietMs;
    this.#patienceMs = quietMs;
    this.#nowMs = nowMs;
    this.#send = send;
  }

  /** Resolves with the receipt of the message that this one went out in, or rejects as its sending did. */
  add(item: Item): Promise<Receipt> {
    const sent = Promise.withResolvers<Receipt>();
    if (this.#waiting.length === 0) this.#adaptPatience();
    this.#waiting.push({ item, sent });
    clearTimeout(this.#whenQuiet);
    if (this.#waiting.length >= GROUP_MAX) this.#leave();
    else {
      this.#whenQuiet = setTimeout(() => this.#leave(), this.#patienceMs);
      this.#atLatest ??= setTimeout(() => this.#leave(), this.#patienceMs * QUIET_TIMES_MAX);
    }
    return sent.promise;
  }

  /** Nobody may wait any more: what is there leaves, and what comes leaves at once. */
  hurry(): void {
    this.#quietMs = 0;
    this.#leave();
  }

  #adaptPatience(): void {
    const isFlood = this.#nowMs() - this.#sentAtMs < this.#patienceMs * QUIET_TIMES_MAX;
    const longestMs = this.#quietMs * PATIENCE_TIMES_MAX;
    this.#patienceMs = isFlood ? Math.min(this.#patienceMs * 2, longestMs) : this.#quietMs;
  }

  #leave(): void {
    clearTimeout(this.#whenQuiet);
    clearTimeout(this.#atLatest);
    this.#atLatest = undefined;
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length > 0) void this.#sendAll(group);
  }

  async #sendAll(group: readonly Waiting<Item, Receipt>[]): Promise<void> {
    try {
      const receipt = await this.#send(group.map(({ item }) => item));
      // What is only tried again is no flood.
      this.#sentAtMs = this.#nowMs();
      for (const { sent } of group) sent.resolve(receipt);
    } catch (error) {
      if (group.length > 1 && isFault(error) && error.kind === 'permanent') {
        // What one of them holds may be refused: the others are not lost with it.
        const middle = Math.ceil(group.length / 2);
        await this.#sendAll(group.slice(0, middle));
        await this.#sendAll(group.slice(middle));
        return;
      }
      for (const { sent } of group) sent.reject(error);
    }
  }
}
