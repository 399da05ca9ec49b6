/**
 * Finds out from attribute keys which dialects to ask. Runs over every key of every span, so a
 * span of some other kind (HTTP, database) must cost only a glance at each key.
 */

import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect } from './dialect.ts';

interface Entry {
  readonly prefix: string;
  readonly bit: number;
}

const NOBODY: readonly Dialect[] = [];
// Instrumentations have a few hundred; one that makes up keys as it goes is served without a memory.
const REMEMBERED_KEYS_MAX = 4_096;

export class KeyTable {
  /** By first character; most keys end here. */
  readonly #byFirst = new Map<number, Entry[]>();
  readonly #scopes: Entry[] = [];
  readonly #dialects: readonly Dialect[];
  readonly #bitsByKey = new Map<string, number>();
  /** There are only so many combinations in practice: one list for each. */
  readonly #lists = new Map<number, readonly Dialect[]>();

  constructor(dialects: readonly Dialect[]) {
    this.#dialects = dialects;
    for (const [index, dialect] of dialects.entries()) {
      const bit = 1 << index;
      for (const prefix of dialect.keys) {
        const first = prefix.charCodeAt(0);
        const entries = this.#byFirst.get(first) ?? [];
        entries.push({ prefix, bit });
        this.#byFirst.set(first, entries);
      }
      for (const prefix of dialect.scopes ?? []) this.#scopes.push({ prefix, bit });
    }
  }

  /** Strongest first. */
  candidates(scope: string, attributes: OtlpAttributes): readonly Dialect[] {
    let bits = 0;
    for (const { prefix, bit } of this.#scopes) if (scope.startsWith(prefix)) bits |= bit;
    for (const key of attributes.keys()) bits |= this.#bitsByKey.get(key) ?? this.#bitsOf(key);
    return bits === 0 ? NOBODY : this.#list(bits);
  }

  #bitsOf(key: string): number {
    let bits = 0;
    for (const { prefix, bit } of this.#byFirst.get(key.charCodeAt(0)) ?? []) if (key.startsWith(prefix)) bits |= bit;
    if (this.#bitsByKey.size < REMEMBERED_KEYS_MAX) this.#bitsByKey.set(key, bits);
    return bits;
  }

  #list(bits: number): readonly Dialect[] {
    let list = this.#lists.get(bits);
    if (list === undefined) {
      list = this.#dialects.filter((_, index) => (bits & (1 << index)) !== 0);
      this.#lists.set(bits, list);
    }
    return list;
  }
}
