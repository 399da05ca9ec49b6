/** Shares the thread with whoever waits for it: long work stops after each slice until they had their turn. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../contract/time.ts';
import type { Steps } from './steps.ts';

// Nobody notices that somebody else is served first for so long.
const SLICE_MS = 5;

export class Slices {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  #sinceMs: number;
  #beforeMs = 0;

  constructor(clock: Clock, sliceMs = SLICE_MS) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#sinceMs = clock.monotonicMs();
  }

  /** Whether others should have their turn. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#sinceMs > this.#sliceMs;
  }

  /** In all slices, without what others took in between. */
  get workedMs(): number {
    return this.#beforeMs + this.#clock.monotonicMs() - this.#sinceMs;
  }

  /** Resolves when others had their turn. */
  async next(): Promise<void> {
    this.#beforeMs = this.workedMs;
    await nextTurn();
    this.#sinceMs = this.#clock.monotonicMs();
  }

  async run<Result>(steps: Steps<Result>): Promise<Result> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (this.isOver) await this.next();
    }
  }
}
