/** A clock that a test turns. */

import type { Clock, Timestamp } from '../../../src/contract/time.ts';
import { timestampFromMillis } from '../../../src/lib/time.ts';

export class HandClock implements Clock {
  #millis = Date.parse('2026-11-20T02:47:00Z');
  #behindMs = 0;

  now(): Timestamp {
    return timestampFromMillis(this.#millis - this.#behindMs);
  }

  monotonicMs(): number {
    return this.#millis;
  }

  /** The wall clock alone. */
  putBack(millis: number): void {
    this.#behindMs += millis;
  }

  advance(millis: number): void {
    this.#millis += millis;
  }
}
