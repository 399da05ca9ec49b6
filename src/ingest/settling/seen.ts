/**
 * Remembers approximately which keys (of traces, or shared by traces) were here before, so that only
 * facts whose relatives may be in the store cost a look into the store. Two Bloom filters that take
 * turns; what may have come before the older one began counts as seen. What other replicas had is
 * remembered beside it.
 */

import type { Timestamp } from '../../contract/time.ts';
import { addMillis } from '../../lib/time.ts';

// 16 bits and 6 probes a key: one in a thousand false alarms when full.
const BITS_PER_KEY = 16;
const PROBES = 6;
// A span that began this long before we remember may have relatives in the store.
const COVERAGE_MARGIN_MS = 60_000;

export class Seen {
  readonly keysMax: number;
  #young: Filter;
  #old: Filter;
  #surelyAfter: Timestamp;
  /** Made when there is another replica. */
  #elsewhere: Seen | null = null;

  constructor(keysMax: number, since: Timestamp) {
    this.keysMax = keysMax;
    this.#young = new Filter(keysMax, since);
    this.#old = new Filter(keysMax, since);
    this.#surelyAfter = addMillis(since, COVERAGE_MARGIN_MS);
  }

  /** What was loaded from the store covers less than hoped, or more. */
  setCoveredSince(since: Timestamp): void {
    this.#old.since = since;
    this.#surelyAfter = addMillis(since, COVERAGE_MARGIN_MS);
  }

  add(key: string, now: Timestamp): void {
    if (this.#young.keys >= this.keysMax) {
      this.#old = this.#young;
      this.#young = new Filter(this.keysMax, now);
      this.#surelyAfter = addMillis(this.#old.since, COVERAGE_MARGIN_MS);
    }
    this.#young.add(key);
  }

  /** Whether something with this key may be in the store; `since` is when it can have come at the earliest. */
  mayHave(key: string, since: Timestamp): boolean {
    return since <= this.#surelyAfter || this.wasHere(key) || this.#elsewhere?.wasHere(key) === true;
  }

  /** Whether this replica had it, as far as it remembers. */
  wasHere(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  /** Another replica has it. */
  addElsewhere(key: string, now: Timestamp): void {
    this.#elsewhere ??= new Seen(this.keysMax, now);
    this.#elsewhere.add(key, now);
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
