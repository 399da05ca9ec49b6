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
    this.#young.add(probesOf(key));
  }

  /** Whether something with this key may be in the store; `since` is when it can have come at the earliest. */
  mayHave(key: string, since: Timestamp): boolean {
    return since <= this.#surelyAfter || this.wasHere(key) || this.#elsewhere?.wasHere(key) === true;
  }

  /** Whether this replica had it, as far as it remembers. */
  wasHere(key: string): boolean {
    const probes = probesOf(key);
    return this.#young.has(probes) || this.#old.has(probes);
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
  /** Bits are a power of two. */
  readonly #mask: number;

  constructor(keysMax: number, since: Timestamp) {
    this.since = since;
    const bitCount = 2 ** Math.ceil(Math.log2(Math.max(64, keysMax * BITS_PER_KEY)));
    this.#mask = bitCount - 1;
    this.#bits = new Uint32Array(bitCount / 32);
  }

  add({ first, step }: Probes): void {
    this.keys += 1;
    for (let probe = 0, bit = first; probe < PROBES; probe += 1, bit = (bit + step) | 0) {
      const at = bit & this.#mask;
      (this.#bits[at >>> 5] as number) |= 1 << (at & 31);
    }
  }

  has({ first, step }: Probes): boolean {
    if (this.keys === 0) return false;
    for (let probe = 0, bit = first; probe < PROBES; probe += 1, bit = (bit + step) | 0) {
      const at = bit & this.#mask;
      if (((this.#bits[at >>> 5] as number) & (1 << (at & 31))) === 0) return false;
    }
    return true;
  }
}

/** Where a key's bits are: double hashing. */
interface Probes {
  readonly first: number;
  readonly step: number;
}

/** FNV-1a, twice. */
function probesOf(key: string): Probes {
  let first = 0x811c9dc5;
  let step = 0x01000193;
  for (let index = 0; index < key.length; index += 1) {
    const code = key.charCodeAt(index);
    first = Math.imul(first ^ code, 0x01000193);
    step = Math.imul(step + code, 0x85ebca6b) ^ (step >>> 13);
  }
  return { first, step: step | 1 };
}
