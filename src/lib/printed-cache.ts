/** A `GenerationalCache` of strings that are looked up by a print of each; see `printed-table.ts`. */

import { cacheRoom } from './memory-shares.ts';
import { PrintedTable } from './printed-table.ts';

export class PrintedCache<Value> {
  readonly #weightMax: number;
  readonly #printOf: (key: string) => number;
  #young = new PrintedTable<Value>();
  #old = new PrintedTable<Value>();
  #weight = 0;
  #generation = 0;

  constructor(weightMax: number, printOf: (key: string) => number) {
    this.#weightMax = weightMax;
    this.#printOf = printOf;
  }

  /** Counts up whenever the old ones are forgotten: what was looked for or set in this one is remembered in the next as well. */
  get generation(): number {
    return this.#generation;
  }

  /** `weightOf`: what the entry weighs when a hit moves it back to the young. */
  get(key: string, weightOf: (value: Value) => number): Value | undefined {
    const print = this.#printOf(key);
    const young = this.#young.get(key, print);
    if (young !== undefined) return young;
    const old = this.#old.get(key, print);
    if (old !== undefined) this.#add(key, old, weightOf(old), print);
    return old;
  }

  set(key: string, value: Value, weight: number): void {
    this.#add(key, value, weight, this.#printOf(key));
  }

  #add(key: string, value: Value, weight: number, print: number): void {
    this.#young.set(key, value, print);
    this.#weight += weight;
    if (this.#weight < cacheRoom(this.#weightMax)) return;
    this.#generation += 1;
    this.#old = this.#young;
    this.#young = new PrintedTable();
    this.#weight = 0;
  }
}
