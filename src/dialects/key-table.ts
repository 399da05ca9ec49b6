/**
 * Finds out from attribute keys which dialects to ask, and whether there are parts of tokens to look for.
 * Runs over every key of every span, so a span of some other kind (HTTP, database) must cost only a glance
 * at each key.
 */

import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect } from './dialect.ts';

interface Entry {
  readonly prefix: string;
  readonly bit: number;
}

export interface Candidates {
  /** Strongest first. */
  readonly dialects: readonly Dialect[];
  readonly hasTokenParts: boolean;
}

const NOBODY: Candidates = { dialects: [], hasTokenParts: false };
// Instrumentations have a few hundred; one that makes up keys as it goes is served without a memory.
const REMEMBERED_KEYS_MAX = 4_096;
// A bit for each in one number, and one for the parts of tokens: a further one would be taken for the first.
const DIALECTS_MAX = 31;

export class KeyTable {
  /** By first character; most keys end here. */
  readonly #byFirst = new Map<number, Entry[]>();
  readonly #scopes: Entry[] = [];
  readonly #dialects: readonly Dialect[];
  readonly #bitsByKey = new Map<string, number>();
  /** There are only so many combinations in practice: one list for each. */
  readonly #lists = new Map<number, Candidates>();
  readonly #partsBit: number;

  constructor(dialects: readonly Dialect[], partKeys: readonly string[]) {
    if (dialects.length > DIALECTS_MAX) throw new Error(`A key table holds ${DIALECTS_MAX} dialects at most.`);
    this.#dialects = dialects;
    this.#partsBit = 1 << dialects.length;
    for (const key of partKeys) this.#add(key, this.#partsBit);
    for (const [index, dialect] of dialects.entries()) {
      const bit = 1 << index;
      for (const prefix of dialect.keys) this.#add(prefix, bit);
      for (const prefix of dialect.scopes ?? []) this.#scopes.push({ prefix, bit });
    }
  }

  #add(prefix: string, bit: number): void {
    const first = prefix.charCodeAt(0);
    const entries = this.#byFirst.get(first) ?? [];
    entries.push({ prefix, bit });
    this.#byFirst.set(first, entries);
  }

  candidates(scope: string, attributes: OtlpAttributes): Candidates {
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

  #list(bits: number): Candidates {
    let list = this.#lists.get(bits);
    if (list === undefined) {
      const dialects = this.#dialects.filter((_, index) => (bits & (1 << index)) !== 0);
      list = { dialects, hasTokenParts: (bits & this.#partsBit) !== 0 };
      this.#lists.set(bits, list);
    }
    return list;
  }
}
