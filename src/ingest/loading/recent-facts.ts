/**
 * The facts of records that were just spooled, so that settling need not parse them again. Bounded:
 * while the store is away the oldest are forgotten here and read from the spool later.
 */

import type { FactLine } from '../content/fact-rows.ts';
import type { SpoolPosition } from '../spool/position.ts';

export class RecentFacts {
  readonly #factsMax: number;
  readonly #byEnd = new Map<SpoolPosition, readonly FactLine[]>();
  #facts = 0;

  constructor(factsMax: number) {
    this.#factsMax = factsMax;
  }

  /** `end` is the position behind the record. */
  add(end: SpoolPosition, facts: readonly FactLine[]): void {
    this.#byEnd.set(end, facts);
    this.#facts += facts.length;
    for (const oldest of this.#byEnd.keys()) {
      if (this.#facts <= this.#factsMax) return;
      this.take(oldest);
    }
  }

  take(end: SpoolPosition): readonly FactLine[] | null {
    const facts = this.#byEnd.get(end);
    if (facts === undefined) return null;
    this.#byEnd.delete(end);
    this.#facts -= facts.length;
    return facts;
  }
}
