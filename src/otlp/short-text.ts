/**
 * Decodes short strings through a small cache. The same attribute keys, models and providers come
 * with every span; a hit costs no allocation and gives a string whose hash is already known to
 * the engine, which makes the attribute map cheap too.
 */

/** Direct-mapped, so it never grows: a new text replaces what hashed to the same slot. */
const SLOTS = 4_096;
const CACHED_BYTES_MAX = 64;

const cache: string[] = Array.from({ length: SLOTS }, () => '');

export function shortText(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return '';
  if (length > CACHED_BYTES_MAX) return bytes.toString('utf8', start, end);
  let hash = length;
  let allBits = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    allBits |= byte;
    hash = Math.imul(hash ^ byte, 0x0100_0193);
  }
  // The cache compares bytes with character codes, which is right for ASCII only.
  if (allBits >= 128) return bytes.toString('utf8', start, end);
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const cached = cache[slot] as string;
  if (cached.length === length && equalAscii(cached, bytes, start)) return cached;
  const text = bytes.toString('latin1', start, end);
  cache[slot] = text;
  return text;
}

function equalAscii(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
