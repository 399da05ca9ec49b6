/**
 * Whether a JSON body is worth parsing: `{}` takes two bytes on the wire and dozens in memory, to keep a
 * text apart from all others takes a microsecond, and nothing can be limited once the parser has begun.
 */

import { DecodeError } from './limits.ts';

// Smaller bodies are parsed whatever they hold.
const BYTES_FREE = 1024 * 1024;
// OTLP's smallest value, `{"intValue":1},`, takes fifteen.
const BYTES_PER_OPENING = 12;
// A second's work, for which everybody else waits. A hundred thousand spans have some four each, beside those that
// come again and again; a body of 64 MiB has room for nine times as many.
const NEW_TEXTS_MAX = 1_000_000;
const [QUOTE, BACKSLASH, BRACE, BRACKET] = [0x22, 0x5c, 0x7b, 0x5b] as const;

/**
 * Throws a `DecodeError` for a body with more objects and arrays than OTLP can have in its bytes, or with too many
 * different names and texts.
 */
export function assertSparse(bytes: Uint8Array): void {
  if (bytes.length <= BYTES_FREE) return;
  const most = bytes.length / BYTES_PER_OPENING;
  let openings = 0;
  let newTexts = 0;
  seen.fill(0);
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const end = endOfText(bytes, at);
      if (isNew(bytes, at + 1, end) && ++newTexts > NEW_TEXTS_MAX)
        throw new DecodeError('too_many', `The body holds more than ${NEW_TEXTS_MAX} different names and texts.`);
      at = end;
    } else if ((byte === BRACE || byte === BRACKET) && ++openings > most)
      throw new DecodeError('too_many', 'The body holds more objects and arrays than OTLP can have in so many bytes.');
  }
}

/** Where the text ends that begins at `start`. */
function endOfText(bytes: Uint8Array, start: number): number {
  for (let from = start + 1; ;) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote === -1) return bytes.length;
    let before = quote;
    while (bytes[before - 1] === BACKSLASH) before -= 1;
    if ((quote - before) % 2 === 0) return quote;
    from = quote + 1;
  }
}

// So many bytes of a text tell whether it is another; the parser keeps none apart but names and very short ones.
const TOLD_BY_BYTES = 64;
/** Prints of texts, each where it belongs; one in the place of another is new again when it comes back. */
const seen = new Uint32Array(65_536);

function isNew(bytes: Uint8Array, start: number, end: number): boolean {
  let print = end - start;
  const stop = Math.min(end, start + TOLD_BY_BYTES);
  for (let at = start; at < stop; at += 1) print = Math.imul(print ^ (bytes[at] as number), 0x0100_0193);
  print = (print | 1) >>> 0;
  const slot = (print ^ (print >>> 15)) & (seen.length - 1);
  if (seen[slot] === print) return false;
  seen[slot] = print;
  return true;
}
