/**
 * Finds one literal in a text. V8's `indexOf` of a single character is memchr, forty times faster
 * than its search for a long string, so the rarest byte is looked for and the rest compared. A text
 * that is full of that byte is searched with Knuth–Morris–Pratt instead: linear whatever is in it.
 */

export interface SearchedLiteral {
  readonly bytes: string;
  readonly rareByte: string;
  readonly rareAt: number;
  /** Made when a text first needs it. */
  failures: Int32Array | null;
}

// Bytes of English prose, markup and code, most frequent first; what is not listed is rarer.
const COMMON = ' etaoinsrlhdcu\nmpgyfbwv.,TSIA:-"\'/CPRExkE()OMNDLFq01{}<>_#*=`Bjz2YWHUGV3';
const FREQUENCY = new Uint8Array(256);
for (let at = 0; at < COMMON.length; at += 1) FREQUENCY[COMMON.charCodeAt(at)] = COMMON.length - at;

export function searchedLiteral(bytes: string): SearchedLiteral {
  let rareAt = 0;
  for (let at = 1; at < bytes.length; at += 1) {
    if ((FREQUENCY[bytes.charCodeAt(at)] ?? 0) < (FREQUENCY[bytes.charCodeAt(rareAt)] ?? 0)) rareAt = at;
  }
  return { bytes, rareByte: bytes.charAt(rareAt), rareAt, failures: null };
}

// After so many false finds the byte is not rare in this text.
const FALSE_FINDS_MAX = 48;

/** The first position from `from` where the literal starts, and that is not after `last`; or -1. */
export function findLiteral(text: string, literal: SearchedLiteral, from: number, last: number): number {
  const { bytes, rareByte, rareAt } = literal;
  const size = bytes.length;
  let at = from;
  for (let finds = 0; finds < FALSE_FINDS_MAX; finds += 1) {
    if (at > last) return -1;
    const found = text.indexOf(rareByte, at + rareAt);
    if (found === -1) return -1;
    at = found - rareAt;
    if (at > last) return -1;
    if (size === 1 || text.substring(at, at + size) === bytes) return at;
    at += 1;
  }
  return findLinearly(text, literal, at, last);
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
