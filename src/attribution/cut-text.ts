/**
 * Texts that end early because an exporter cuts what is long, as OpenTelemetry's SDKs do at
 * OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, without a mark. Such a text lacks the end of its template and was
 * edited by nobody. Pure.
 */

import { toByteString } from './byte-string.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import { EVIDENCE_BYTES_MIN } from './text-matcher.ts';

// Half of a character that was cut in two.
const HALF_CHARACTER = /[\uFFFD\uD800-\uDBFF]+$/u;
const MARK = /\s*(?:\.\.\.|…)?\s*[[(<]?(?:truncated|cut off)\b[^\n]{0,40}$|(?:\.\.\.|…)$/i;
// A literal of which so much is there did not come by chance, and an edit ends with a word.
const BEGUN_BYTES_MIN = 12;
// Longer than what stands in two texts by chance.
const PIECE_BYTES = 20;
const WORD = /[\w\x80-\xff]/;

interface Beginning {
  /** Of the literals that are there, whole or begun. */
  readonly literalBytes: number;
  /** The last of them ends within a word. */
  readonly endsInWord: boolean;
}

/**
 * Whether this text is the beginning of a render and ends as if it was cut there: marked as such, within
 * a word of the template, or after a number of characters that somebody would choose for a limit.
 */
export function isCutRender(pattern: IndexedPattern, content: string): boolean {
  const unmarked = content.replace(MARK, '');
  const whole = unmarked.replace(HALF_CHARACTER, '').replace(/\r\n?/g, '\n');
  const beginning = beginningOf(pattern, toByteString(whole.trim()));
  if (beginning === null || beginning.literalBytes < EVIDENCE_BYTES_MIN) return false;
  return beginning.endsInWord || unmarked !== content || hasLimitLength(content);
}

/** A chosen limit is a round number, of bits or of digits; one of 33 lengths is one by chance. */
function hasLimitLength(content: string): boolean {
  // Python counts characters, JavaScript and Java count halves of some, Go counts bytes.
  const lengths = [content.length, [...content].length, Buffer.byteLength(content)];
  return lengths.some((length) => length >= 100 && (length % 100 === 0 || length % 64 === 0 || length % 256 === 255));
}

/** Null where the text is no beginning of what the pattern renders. `bytes` is a byte string. */
function beginningOf({ first, middleBytes, last, gaps }: IndexedPattern, bytes: string): Beginning | null {
  if (!bytes.startsWith(first)) {
    return first.startsWith(bytes)
      ? { literalBytes: bytes.length, endsInWord: isWithinWord(first, bytes.length) }
      : null;
  }
  if (gaps === 0) return null;
  const literals = [...middleBytes, last];
  let at = first.length;
  let literalBytes = first.length;
  for (const [index, literal] of literals.entries()) {
    const found = bytes.indexOf(literal, at);
    if (found === -1) {
      const begun = begunAtEnd(bytes, at, literal);
      // Text of what should come later: then it was edited before, and not cut here.
      if (holdsPieceOf(bytes.slice(at, bytes.length - begun), literals.slice(index))) return null;
      const endsInWord = begun >= BEGUN_BYTES_MIN && isWithinWord(literal, begun);
      return { literalBytes: literalBytes + begun, endsInWord };
    }
    at = found + literal.length;
    literalBytes += literal.length;
  }
  return null;
}

function holdsPieceOf(text: string, literals: readonly string[]): boolean {
  return literals.some((literal) => {
    for (let start = 0; start + PIECE_BYTES <= literal.length; start += PIECE_BYTES) {
      if (text.includes(literal.slice(start, start + PIECE_BYTES))) return true;
    }
    return false;
  });
}

/** How much of the literal's beginning stands at the end of the text. */
function begunAtEnd(bytes: string, start: number, literal: string): number {
  for (let size = Math.min(literal.length, bytes.length - start); size > 0; size -= 1) {
    if (bytes.endsWith(literal.slice(0, size))) return size;
  }
  return 0;
}

function isWithinWord(literal: string, at: number): boolean {
  return at > 0 && WORD.test(literal.charAt(at - 1)) && WORD.test(literal.charAt(at));
}
