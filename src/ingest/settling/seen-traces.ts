/**
 * Remembers approximately which traces were here before, so that only facts of a trace that may be
 * in the store cost a look into the store. Two Bloom filters that take turns: `coveredSince` says
 * from when on a trace that is not in them was surely not here.
 */

import type { Timestamp } from '../../contract/time.ts';

// 16 bits and 6 probes a key: one in a thousand false alarms when full.
const BITS_PER_KEY = 16;
const PROBES = 6;

export class SeenTraces {
  readonly #keysMax: number;
  #young: Filter;
  #old: Filter;

  constructor(keysMax: number, since: Timestamp) {
    this.#keysMax = keysMax;
    this.#young = new Filter(keysMax, since);
    this.#old = new Filter(keysMax, since);
  }

  get coveredSince(): Timestamp {
    return this.#old.since;
  }

  /** What was loaded from the store covers less than hoped, or more. */
  setCoveredSince(since: Timestamp): void {
    this.#old.since = since;
  }

  add(key: string, now: Timestamp): void {
    if (this.#young.keys >= this.#keysMax) {
      this.#old = this.#young;
      this.#young = new Filter(this.#keysMax, now);
    }
    this.#young.add(key);
  }

  mayHave(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }
}

class Filter {
  since: Timestamp;
  keys = 0;
  readonly #bits: Uint32Array;
  readonly #bitCount: number;

  constructor(keysMax: number, since: Timestamp) {
    this.since = since;
    this.#bitCount = Math.max(64, keysMax * BITS_PER_KEY);
    this.#bits = new Uint32Array(Math.ceil(this.#bitCount / 32));
  }

  add(key: string): void {
    this.keys += 1;
    const [first, second] = halves(key);
    for (let probe = 0; probe < PROBES; probe += 1) {
      const bit = ((first + Math.imul(probe, second)) >>> 0) % this.#bitCount;
      (this.#bits[bit >>> 5] as number) |= 1 << (bit & 31);
    }
  }

  has(key: string): boolean {
    if (this.keys === 0) return false;
    const [first, second] = halves(key);
    for (let probe = 0; probe < PROBES; probe += 1) {
      const bit = ((first + Math.imul(probe, second)) >>> 0) % this.#bitCount;
      if (((this.#bits[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }
}

/** For double hashing; FNV-1a, twice. */
function halves(key: string): [number, number] {
  let first = 0x811c9dc5;
  let second = 0x01000193;
  for (let index = 0; index < key.length; index += 1) {
    const code = key.charCodeAt(index);
    first = Math.imul(first ^ code, 0x01000193);
    second = Math.imul(second + code, 0x85ebca6b) ^ (second >>> 13);
  }
  return [first, second | 1];
}
