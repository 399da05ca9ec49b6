/**
 * Records the receipts of messages that are out. What the store can't take now is kept for the next attempt, which
 * records and does not send. Sends nothing itself.
 */

import type { Delivery } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { delivered } from './record.ts';

/** A message that is out. */
export interface Sent {
  readonly receipt: string;
  /** That of several alerts. */
  readonly message: string | null;
  /** All that it is about. */
  readonly deliveries: readonly Delivery[];
}

export class Receipts {
  readonly #write: (rows: readonly Delivery[]) => Promise<void>;
  readonly #now: () => Timestamp;
  /** Sent and not recorded yet, by delivery. */
  readonly #unrecorded = new Map<string, Sent>();
  /** The receipt goes into the rows of all at once: a message is known as a whole or not at all. */
  readonly #recordings = new WeakMap<Sent, Promise<void>>();

  /** `write` stores all of its rows, or rejects. */
  constructor(write: (rows: readonly Delivery[]) => Promise<void>, now: () => Timestamp) {
    this.#write = write;
    this.#now = now;
  }

  /** What this delivery went out in, while its receipt is not recorded. */
  unrecorded(delivery: string): Sent | undefined {
    return this.#unrecorded.get(delivery);
  }

  /** For each delivery of a message; written once for all of them, and again when it failed. Rejects as `write` does. */
  async record(delivery: string, sent: Sent): Promise<void> {
    this.#unrecorded.set(delivery, sent);
    await this.#recordingOf(sent);
    this.#unrecorded.delete(delivery);
  }

  #recordingOf(sent: Sent): Promise<void> {
    const known = this.#recordings.get(sent);
    if (known !== undefined) return known;
    const at = this.#now();
    const rows = sent.deliveries.map((delivery) => delivered(delivery, sent.receipt, at, sent.message));
    const recording = this.#write(rows).catch((error: unknown) => {
      this.#recordings.delete(sent);
      throw error;
    });
    this.#recordings.set(sent, recording);
    return recording;
  }
}
