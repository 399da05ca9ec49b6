/**
 * What each target held when it was last read, with the cursor that proves it unchanged. Bounded in
 * bytes: what does not fit is read in full each time, which costs a request and loses nothing.
 */

import { bodyBytes } from '../text/body.ts';
import type { HeldFacts } from './observations.ts';

export interface HeldEntry {
  readonly facts: readonly HeldFacts[];
  readonly cursor: string;
}

// Names, hashes and object headers of one fact, roughly.
const FACT_BYTES = 1_024;

export class HeldCache {
  readonly #bytesMax: number;
  readonly #entries = new Map<string, HeldEntry & { readonly bytes: number }>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing is evicted for it: targets are read in turn, and evicting the oldest would evict all of them. */
  put(target: string, facts: readonly HeldFacts[], cursor: string): void {
    this.forget(target);
    // UTF-16 in memory: up to two bytes for each byte of UTF-8.
    const bytes = facts.reduce((sum, fact) => sum + 2 * bodyBytes(fact.body) + FACT_BYTES, 2 * cursor.length);
    if (this.#bytes + bytes > this.#bytesMax) return;
    this.#entries.set(target, { facts, cursor, bytes });
    this.#bytes += bytes;
  }

  /** Those of the targets that are known. */
  entries(targets: Iterable<string>): ReadonlyMap<string, HeldEntry> {
    const found = new Map<string, HeldEntry>();
    for (const target of targets) {
      const entry = this.#entries.get(target);
      if (entry !== undefined) found.set(target, entry);
    }
    return found;
  }

  forget(target: string): void {
    this.#bytes -= this.#entries.get(target)?.bytes ?? 0;
    this.#entries.delete(target);
  }
}
