/**
 * What a poll saw, on its way to whoever stores it: in batches, in order, and none waits for long
 * while the source takes its time with the next.
 */

import type { Observation } from '../contract/observation.ts';
import type { Timestamp } from '../contract/time.ts';
import type { KnowledgeHorizon, Learning } from '../lib/knowledge-horizon.ts';

/** Must have stored the batch when it resolves; calls `stored` as soon as it has, before what follows from it. */
export type TakeObservations = (batch: readonly Observation[], stored: () => void) => Promise<void>;

export interface PendingOptions {
  readonly horizon: KnowledgeHorizon;
  readonly onObservations: TakeObservations;
  /** What could not be stored, and is lost here. */
  readonly onNotRecorded: (batch: readonly Observation[], error: unknown) => void;
}

const BATCH_MAX = 200;
// No answer of the time machine is newer than what waits here.
const WAIT_MS_MAX = 1_000;

export class PendingObservations {
  readonly #options: PendingOptions;
  #batch: Observation[] = [];
  #learnt: Learning[] = [];
  #timer: NodeJS.Timeout | undefined;
  #handedOver: Promise<void> = Promise.resolve();
  /** The first error of a batch that was not stored. */
  notRecorded: unknown = null;

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  /** One reading. `observe` gets the time that its observations are to have. Resolves when there is room for more. */
  async add(observe: (at: Timestamp) => readonly Observation[]): Promise<void> {
    const learning = this.#options.horizon.begin();
    let observations: readonly Observation[] = [];
    try {
      observations = observe(learning.at);
    } finally {
      if (observations.length === 0) learning.end();
    }
    if (observations.length === 0) return;
    this.#batch.push(...observations);
    this.#learnt.push(learning);
    if (this.#batch.length >= BATCH_MAX) await this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), WAIT_MS_MAX);
  }

  /** Resolves when all that was added is handed over; never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#handedOver = this.#handedOver.then(() => this.#handOver());
    return this.#handedOver;
  }

  async #handOver(): Promise<void> {
    const batch = this.#batch;
    const learnt = this.#learnt;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#learnt = [];
    const stored = (): void => {
      for (const learning of learnt) learning.end();
    };
    try {
      await this.#options.onObservations(batch, stored);
    } catch (error) {
      this.#options.onNotRecorded(batch, error);
      this.notRecorded ??= error;
    } finally {
      stored();
    }
  }
}
