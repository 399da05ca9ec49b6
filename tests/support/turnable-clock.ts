/** A clock that stands still until a test turns it. */

import type { Clock, Timestamp } from '../../src/contract/time.ts';
import { addMillis } from '../../src/lib/time.ts';

export class TurnableClock implements Clock {
  #now: Timestamp;
  #monotonicMs = 0;

  constructor(start: Timestamp) {
    this.#now = start;
  }

  now(): Timestamp {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  advance(millis: number): void {
    this.#now = addMillis(this.#now, millis);
    this.#monotonicMs += millis;
  }
}
