/**
 * Whether a JSON body is worth parsing: `{}` takes two bytes on the wire and dozens in memory, and
 * nothing can be limited once the parser has begun. Pure.
 */

import { DecodeError } from './limits.ts';

// Smaller bodies are parsed whatever they hold.
const BYTES_FREE = 1024 * 1024;
// OTLP's smallest value, `{"intValue":1},`, takes fifteen.
const BYTES_PER_OPENING = 12;
const [QUOTE, BACKSLASH, BRACE, BRACKET] = [0x22, 0x5c, 0x7b, 0x5b] as const;

/** Throws a `DecodeError` for a body with more objects and arrays than OTLP can have in its bytes. */
export function assertSparse(bytes: Uint8Array): void {
  if (bytes.length <= BYTES_FREE) return;
  const most = bytes.length / BYTES_PER_OPENING;
  let openings = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfText(bytes, at);
    else if ((byte === BRACE || byte === BRACKET) && ++openings > most)
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
