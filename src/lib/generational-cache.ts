/**
 * A map that forgets: two generations, and when the young one is full the old one is dropped.
 * Approximates least-recently-used with nothing but map lookups. Holds between one and two times
 * `weightMax`, or a part of that; see `memory-shares.ts`.
 */

import { cacheRoom } from './memory-shares.ts';

export class GenerationalCache<Key, Value> {
  readonly #weightMax: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();
  #weight = 0;

  constructor(weightMax: number) {
    this.#weightMax = weightMax;
  }

  /** `weight` is what the entry weighs when a hit moves it back to the young, or says so of the value. */
  get(key: Key, weight: number | ((value: Value) => number)): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old, typeof weight === 'number' ? weight : weight(old));
    return old;
  }

  set(key: Key, value: Value, weight: number): void {
    this.#young.set(key, value);
    this.#weight += weight;
    if (this.#weight < cacheRoom(this.#weightMax)) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#weight = 0;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#weight = 0;
  }
}
