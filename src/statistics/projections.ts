/**
 * A text's wording in a few numbers: its trigrams of characters, counted in 256 places, looked at from a few fixed
 * random directions. Texts that are worded alike have like numbers; what each number means nobody can say. Pure.
 */

export const PROJECTIONS = 8;
const PLACES = 256;
const CHARACTERS_MAX = 4_096;

/** One bit of each place's byte for each direction: on which side of it the place lies. */
const SIDES = Uint8Array.from({ length: PLACES }, (_, place) => mixed(place + 1) & 0xff);

export function projectionsOf(text: string): readonly number[] {
  const counts = new Uint32Array(PLACES);
  const end = Math.min(text.length, CHARACTERS_MAX) - 2;
  for (let at = 0; at < end; at += 1) {
    const trigram = (lower(text, at) * 31 + lower(text, at + 1)) * 31 + lower(text, at + 2);
    const place = mixed(trigram) & (PLACES - 1);
    counts[place] = (counts[place] as number) + 1;
  }
  const sums = Array.from({ length: PROJECTIONS }, () => 0);
  // Of square roots, whose sum of squares is the number of trigrams.
  const norm = Math.sqrt(Math.max(1, end));
  for (let place = 0; place < PLACES; place += 1) {
    const weight = Math.sqrt(counts[place] as number) / norm;
    if (weight === 0) continue;
    for (let one = 0; one < PROJECTIONS; one += 1) {
      const side = ((SIDES[place] as number) >> one) & 1;
      sums[one] = (sums[one] as number) + (side === 1 ? weight : -weight);
    }
  }
  return sums;
}

function lower(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

/** Spreads a number's bits; the finaliser of MurmurHash3. */
function mixed(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
