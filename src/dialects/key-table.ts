/**
 * Finds out from attribute keys which dialects to ask, and whether there are parts of tokens to look for.
 * Runs over every key of every span, so a span of some other kind (HTTP, database) must cost only a glance
 * at each key, and one of ours little more: what its keys came to so far leads to what they come to with the next.
 */

import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect } from './dialect.ts';

/** Who is asked about a key, by their places among the dialects; the place behind them stands for parts of tokens. */
interface Interest {
  readonly id: number;
  readonly places: readonly number[];
}

interface Entry {
  readonly prefix: string;
  readonly place: number;
}

export interface Candidates {
  /** Strongest first. */
  readonly dialects: readonly Dialect[];
  readonly hasTokenParts: boolean;
}

/** Who is asked because of all keys so far. */
interface Asked {
  readonly places: readonly number[];
  readonly candidates: Candidates;
  /** With one more key, by the id of who is interested in that. */
  readonly with: Asked[];
}

const NOBODY: Interest = { id: 0, places: [] };
// Instrumentations have a few hundred; one that makes up keys as it goes is served without a memory.
const REMEMBERED_KEYS_MAX = 4_096;
// There are some dozens in practice; whoever sends every combination of keys does not fill the memory.
const REMEMBERED_SETS_MAX = 4_096;

export class KeyTable {
  /** By first character; most keys end here. */
  readonly #byFirst = new Map<number, Entry[]>();
  readonly #scopes: (readonly [prefix: string, Interest])[] = [];
  readonly #dialects: readonly Dialect[];
  readonly #byKey = new Map<string, Interest>();
  readonly #interests = new Map<string, Interest>();
  readonly #asked = new Map<string, Asked>();
  #nobodyAsked: Asked;

  constructor(dialects: readonly Dialect[], partKeys: readonly string[]) {
    this.#dialects = dialects;
    for (const key of partKeys) this.#add(key, dialects.length);
    for (const [place, dialect] of dialects.entries()) {
      for (const prefix of dialect.keys) this.#add(prefix, place);
      for (const prefix of dialect.scopes ?? []) this.#scopes.push([prefix, this.#interest([place])]);
    }
    this.#nobodyAsked = this.#askedFor([]);
  }

  candidates(scope: string, attributes: OtlpAttributes): Candidates {
    let asked = this.#nobodyAsked;
    for (const [prefix, interest] of this.#scopes) {
      if (scope.startsWith(prefix)) asked = this.#with(asked, interest);
    }
    for (const key of attributes.keys()) {
      const interest = this.#byKey.get(key) ?? this.#interestIn(key);
      if (interest !== NOBODY) asked = this.#with(asked, interest);
    }
    return asked.candidates;
  }

  #add(prefix: string, place: number): void {
    const first = prefix.charCodeAt(0);
    const entries = this.#byFirst.get(first) ?? [];
    entries.push({ prefix, place });
    this.#byFirst.set(first, entries);
  }

  #interestIn(key: string): Interest {
    const entries = this.#byFirst.get(key.charCodeAt(0)) ?? [];
    const interest = this.#interest(entries.filter(({ prefix }) => key.startsWith(prefix)).map(({ place }) => place));
    if (this.#byKey.size < REMEMBERED_KEYS_MAX) this.#byKey.set(key, interest);
    return interest;
  }

  #interest(places: readonly number[]): Interest {
    if (places.length === 0) return NOBODY;
    const sorted = inOrder(places);
    const name = sorted.join();
    const known = this.#interests.get(name);
    if (known !== undefined) return known;
    const interest = { id: this.#interests.size + 1, places: sorted };
    this.#interests.set(name, interest);
    return interest;
  }

  #with(asked: Asked, { id, places }: Interest): Asked {
    return (asked.with[id] ??= this.#askedFor(inOrder([...asked.places, ...places])));
  }

  #askedFor(places: readonly number[]): Asked {
    const name = places.join();
    const known = this.#asked.get(name);
    if (known !== undefined) return known;
    const dialects = places.flatMap((place) => this.#dialects[place] ?? []);
    const candidates = { dialects, hasTokenParts: places.at(-1) === this.#dialects.length };
    const asked: Asked = { places, candidates, with: [] };
    if (this.#asked.size >= REMEMBERED_SETS_MAX) {
      this.#asked.clear();
      this.#nobodyAsked = { ...this.#nobodyAsked, with: [] };
    }
    this.#asked.set(name, asked);
    return asked;
  }
}

/** Each once. */
function inOrder(places: readonly number[]): readonly number[] {
  return [...new Set(places)].toSorted((a, b) => a - b);
}
