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

export class KeyTable {
  /** By first character; most keys end here. */
  readonly #byFirst = new Map<number, Entry[]>();
  readonly #scopes: Entry[] = [];
  readonly #dialects: readonly Dialect[];
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
    for (const key of attributes.keys()) {
      const entries = this.#byFirst.get(key.charCodeAt(0));
      if (entries === undefined) continue;
      for (const { prefix, bit } of entries) {
        if ((bits & bit) === 0 && key.startsWith(prefix)) bits |= bit;
      }
    }
    return bits === 0 ? NOBODY : this.#list(bits);
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
