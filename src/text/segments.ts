/**
 * Cuts a long line into pieces that a person can compare: at the ends of sentences, else at words.
 * The cuts follow from the words around them and not from their position, so that an insertion
 * changes the pieces beside it and no others. Pure.
 */

/** About two lines of a terminal or of a Slack message on a laptop. */
export const SEGMENT_CHARACTERS_MAX = 160;

/** Shorter sentences stay with the next one: `e.g. `, `1. `. */
const SENTENCE_CHARACTERS_MIN = 24;
const PIECE_CHARACTERS_MIN = 60;
/** One word in this many is a place to cut a sentence that is too long. */
const WORDS_PER_CUT = 4;

const SENTENCE_END = /[.!?;:。！？；]["'”’)\]}*_]*\s*$/u;
// A word with the white space after it; ideographs and their punctuation are words of their own.
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}。！？；，、]\s*|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}。！？；，、]+\s*|\s+/gu;

/** The pieces in order; together they are the line. A line of at most 160 characters is one piece. */
export function segmentLine(line: string): readonly string[] {
  if (line.length <= SEGMENT_CHARACTERS_MAX) return [line];
  const pieces: string[] = [];
  let piece = '';
  const cut = (): void => {
    if (piece !== '') pieces.push(piece);
    piece = '';
  };
  for (const [match] of line.matchAll(WORD)) {
    for (const word of shortWords(match)) {
      if (piece.length + word.trimEnd().length > SEGMENT_CHARACTERS_MAX) cut();
      piece += word;
      if (endsPiece(piece, word)) cut();
    }
  }
  cut();
  return pieces;
}

function endsPiece(piece: string, word: string): boolean {
  if (piece.length >= SENTENCE_CHARACTERS_MIN && SENTENCE_END.test(word)) return true;
  return piece.length >= PIECE_CHARACTERS_MIN && checksum(word) % WORDS_PER_CUT === 0;
}

/** A word longer than a piece (a URL, base64) in parts; never between the halves of a surrogate pair. */
function shortWords(word: string): readonly string[] {
  if (word.length <= SEGMENT_CHARACTERS_MAX) return [word];
  const parts: string[] = [];
  let part = '';
  for (const character of word) {
    part += character;
    const enough = part.length >= PIECE_CHARACTERS_MIN && checksum(part.slice(-4)) % (8 * WORDS_PER_CUT) === 0;
    if (enough || part.length >= SEGMENT_CHARACTERS_MAX - 2) {
      parts.push(part);
      part = '';
    }
  }
  if (part !== '') parts.push(part);
  return parts;
}

/** FNV-1a; any spread will do. */
function checksum(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
