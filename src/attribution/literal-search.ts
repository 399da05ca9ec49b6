/**
 * Finds one literal in a text. V8's `indexOf` of a single character is memchr, forty times faster
 * than its search for a long string, so the rarest byte is looked for and the rest compared. A text
 * that is full of that byte is searched with Knuth–Morris–Pratt instead: linear whatever is in it.
 */

export interface SearchedLiteral {
  readonly bytes: string;
  /** The byte that is looked for, and where in the literal it stands. */
  readonly rareByte: string;
  readonly rareAt: number;
  /** Another rare byte, to turn false finds away before the literal is compared. */
  readonly checkCode: number;
  readonly checkAt: number;
  /** Made when a text first needs it. */
  failures: Int32Array | null;
  /** The last search that was to be remembered: which one it was, from where, and what it found. */
  search: number;
  searchedFrom: number;
  foundAt: number;
}

// Bytes of English prose, markup and code, most frequent first; what is not listed is rarer.
const COMMON = ' etaoinsrlhdcu\nmpgyfbwv.,TSIA:-"\'/CPRExkE()OMNDLFq01{}<>_#*=`Bjz2YWHUGV3';
const FREQUENCY = new Uint8Array(256);
for (let at = 0; at < COMMON.length; at += 1) FREQUENCY[COMMON.charCodeAt(at)] = COMMON.length - at;

/**
 * One object for each distinct literal. Versions of a prompt share most of theirs, and a text is
 * compared in memory that the cache still holds from the version before.
 */
export class LiteralPool {
  private readonly literals = new Map<string, SearchedLiteral>();

  literal(bytes: string): SearchedLiteral {
    let literal = this.literals.get(bytes);
    if (literal === undefined) {
      literal = searchedLiteral(bytes);
      this.literals.set(bytes, literal);
    }
    return literal;
  }
}

// Behind the end of every string.
const NOWHERE = 2 ** 30;

function searchedLiteral(bytes: string): SearchedLiteral {
  const rareAt = rarest(bytes, -1);
  const checkAt = rarest(bytes, rareAt);
  const checkCode = bytes.charCodeAt(checkAt);
  const rareByte = bytes.charAt(rareAt);
  return { bytes, rareByte, rareAt, checkCode, checkAt, failures: null, search: 0, searchedFrom: NOWHERE, foundAt: -1 };
}

/** Position of the rarest byte; not of the one at `except`, nor one like it. */
function rarest(bytes: string, except: number): number {
  const excluded = except === -1 ? -1 : bytes.charCodeAt(except);
  let best = -1;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes.charCodeAt(at);
    if (byte === excluded) continue;
    if (best === -1 || (FREQUENCY[byte] as number) < (FREQUENCY[bytes.charCodeAt(best)] as number)) best = at;
  }
  return Math.max(best, 0);
}

// Looking for a byte that is found so often costs more than going through the text byte by byte.
const BYTES_PER_FIND_MIN = 12;
const FALSE_FINDS_FREE = 50;

/** The first position from `from` where the literal starts, and that is not after `last`; or -1. */
export function findLiteral(text: string, literal: SearchedLiteral, from: number, last: number): number {
  const { bytes, rareByte, rareAt, checkCode, checkAt } = literal;
  const size = bytes.length;
  let at = from;
  for (let finds = -FALSE_FINDS_FREE; finds * BYTES_PER_FIND_MIN <= at - from; finds += 1) {
    if (at > last) return -1;
    const found = text.indexOf(rareByte, at + rareAt);
    if (found === -1) return -1;
    at = found - rareAt;
    if (at > last) return -1;
    if (text.charCodeAt(at + checkAt) === checkCode && text.substring(at, at + size) === bytes) return at;
    at += 1;
  }
  return findLinearly(text, literal, at, last);
}

/**
 * The same, for literals that many patterns share and that are looked for in one text after the
 * other: of one search, which its number names, the text is always the same.
 */
export function findLiteralOnce(
  text: string,
  literal: SearchedLiteral,
  from: number,
  last: number,
  search: number,
): number {
  const { searchedFrom, foundAt } = literal;
  const isKnown = literal.search === search && from >= searchedFrom && (foundAt === -1 || from <= foundAt);
  if (isKnown) return foundAt <= last ? foundAt : -1;
  const found = findLiteral(text, literal, from, text.length - literal.bytes.length);
  literal.search = search;
  literal.searchedFrom = from;
  literal.foundAt = found;
  return found <= last ? found : -1;
}

function findLinearly(text: string, literal: SearchedLiteral, from: number, last: number): number {
  const { bytes } = literal;
  const failures = (literal.failures ??= failureTable(bytes));
  const end = Math.min(text.length, last + bytes.length);
  let matched = 0;
  for (let at = from; at < end; at += 1) {
    const byte = text.charCodeAt(at);
    while (matched > 0 && bytes.charCodeAt(matched) !== byte) matched = failures[matched - 1] ?? 0;
    if (bytes.charCodeAt(matched) === byte) matched += 1;
    if (matched === bytes.length) return at - matched + 1;
  }
  return -1;
}

/** For each prefix, the length of its longest proper border. */
function failureTable(bytes: string): Int32Array {
  const failures = new Int32Array(bytes.length);
  let matched = 0;
  for (let at = 1; at < bytes.length; at += 1) {
    while (matched > 0 && bytes.charCodeAt(matched) !== bytes.charCodeAt(at)) matched = failures[matched - 1] ?? 0;
    if (bytes.charCodeAt(matched) === bytes.charCodeAt(at)) matched += 1;
    failures[at] = matched;
  }
  return failures;
}
