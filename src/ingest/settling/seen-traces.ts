/**
 * Remembers approximately which traces were here before, so that only facts of a trace that may be
 * in the store cost a look into the store. Two Bloom filters that take turns: `coveredSince` says
 * from when on a trace that is not in them was surely not here.
 */

import { hash as digest } from 'node:crypto';
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
    for (const bit of this.#probes(key)) (this.#bits[bit >>> 5] as number) |= 1 << (bit & 31);
  }

  has(key: string): boolean {
    for (const bit of this.#probes(key))
      if (((this.#bits[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false;
    return true;
  }

  /** Double hashing. A random trace id is its own hash; anything else is hashed first. */
  #probes(key: string): number[] {
    const hex = /^[0-9a-f]{32}$/.test(key) ? key : digest('md5', key, 'hex');
    const first = Number.parseInt(hex.slice(0, 8), 16) ^ Number.parseInt(hex.slice(16, 24), 16);
    const second = (Number.parseInt(hex.slice(8, 16), 16) ^ Number.parseInt(hex.slice(24), 16)) | 1;
    return Array.from({ length: PROBES }, (_, index) => ((first + Math.imul(index, second)) >>> 0) % this.#bitCount);
  }
}
