/**
 * Texts that end early because an exporter cuts what is long, as OpenTelemetry's SDKs do at
 * OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, without a mark. Such a text lacks the end of its template and was
 * edited by nobody. Pure.
 */

import { normaliseTransport } from '../text/hashes.ts';
import { toByteString } from './byte-string.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import { EVIDENCE_BYTES_MIN } from './text-matcher.ts';

// At the very end: half of a character that was cut in two, and what some exporters write behind a cut.
const TAIL_CHARACTERS = 80;
const HALF_CHARACTER = /[\uFFFD\uD800-\uDBFF]{1,3}$/;
const SECOND_HALF = /(?<=[\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
const MARK = /(?:\.\.\.|…)?\s?[[(<]?(?:truncated|cut off)\b[^\n]{0,40}$|(?:\.\.\.|…)$/i;
// A literal of which so much is there did not come by chance, and an edit ends with a word.
const BEGUN_BYTES_MIN = 12;
// Longer than what stands in two texts by chance; so many are looked for.
const PIECE_BYTES = 20;
const PIECES_MAX = 16;
const WORD = /[\w\x80-\xff]/;

/** A text as it may have been cut. */
export interface TextEnd {
  /** A byte string, without what the cut left of a character and wrote behind it. */
  readonly bytes: string;
  /** It is marked as cut, or has a number of characters that somebody would choose for a limit. */
  readonly looksCut: boolean;
}

export function textEnd(content: string): TextEnd {
  const tail = content.slice(-TAIL_CHARACTERS);
  const mark = MARK.exec(tail)?.[0] ?? '';
  const left = content.slice(0, content.length - mark.length).replace(HALF_CHARACTER, '');
  return { bytes: toByteString(normaliseTransport(left)), looksCut: mark !== '' || hasLimitLength(content) };
}

/** A chosen limit is a round number, of bits or of digits; one of 33 lengths is one by chance. */
function hasLimitLength(content: string): boolean {
  // Python counts characters, JavaScript and Java count halves of some, Go counts bytes.
  const halves = content.match(SECOND_HALF)?.length ?? 0;
  const lengths = [content.length, content.length - halves, Buffer.byteLength(content)];
  return lengths.some((length) => length >= 100 && (length % 100 === 0 || length % 64 === 0 || length % 256 === 255));
}

/** Whether this text is the beginning of a render, and ends as if it was cut there or within a word of the template. */
export function isCutRender(pattern: IndexedPattern, { bytes, looksCut }: TextEnd): boolean {
  const beginning = beginningOf(pattern, bytes);
  if (beginning === null || beginning.literalBytes < EVIDENCE_BYTES_MIN) return false;
  return looksCut || beginning.endsInWord;
}

interface Beginning {
  /** Of the literals that are there, whole or begun. */
  readonly literalBytes: number;
  /** The last of them ends within a word. */
  readonly endsInWord: boolean;
}

/** Null where the text is no beginning of what the pattern renders. */
function beginningOf({ first, middleBytes, last, gaps }: IndexedPattern, bytes: string): Beginning | null {
  if (!bytes.startsWith(first)) {
    const isBegun = first.startsWith(bytes);
    return isBegun ? { literalBytes: bytes.length, endsInWord: isWithinWord(first, bytes.length) } : null;
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
      if (holdsPieceOf(bytes.slice(at, bytes.length - begun), literals.slice(index).join(''))) return null;
      const endsInWord = begun >= BEGUN_BYTES_MIN && isWithinWord(literal, begun);
      return { literalBytes: literalBytes + begun, endsInWord };
    }
    at = found + literal.length;
    literalBytes += literal.length;
  }
  return null;
}

/** How much of the literal's beginning stands at the end of the text. */
function begunAtEnd(bytes: string, start: number, literal: string): number {
  for (let size = Math.min(literal.length, bytes.length - start); size > 0; size -= 1) {
    if (bytes.endsWith(literal.slice(0, size))) return size;
  }
  return 0;
}

/** Of what the text has room for. */
function holdsPieceOf(text: string, literals: string): boolean {
  const end = Math.min(literals.length, text.length) - PIECE_BYTES;
  const step = Math.max(PIECE_BYTES, end / PIECES_MAX);
  for (let start = 0; start <= end; start += step) {
    const piece = literals.slice(Math.floor(start), Math.floor(start) + PIECE_BYTES);
    if (text.includes(piece)) return true;
  }
  return false;
}

function isWithinWord(literal: string, at: number): boolean {
  return at > 0 && WORD.test(literal.charAt(at - 1)) && WORD.test(literal.charAt(at));
}
