/**
 * Hashes of a text's windows at aligned offsets: multiples of 16 for windows of 16 bytes, of 8 for
 * those of 8. Made where and when they are asked for: most texts need them for a part, many not at all.
 */

export const LONG_WINDOW_BYTES = 16;
export const SHORT_WINDOW_BYTES = 8;

export class WindowHashes {
  /** By number of the window; valid where `make` was called for since the last `forget`. */
  values = new Int32Array(0);
  private words: Int32Array = new Int32Array(0);
  private from = 0;
  private to = 0;
  private readonly isLong: boolean;

  constructor(isLong: boolean) {
    this.isLong = isLong;
  }

  /** `words` holds the texts from now on, each as little-endian numbers from its start. */
  readFrom(words: Int32Array): void {
    this.words = words;
    this.values = new Int32Array(words.length / (this.isLong ? 4 : 2));
    this.forget();
  }

  /** There is another text in the words. */
  forget(): void {
    this.from = 0;
    this.to = 0;
  }

  /** Makes the values of the windows `from` up to `to`, and of all between them and those made before. */
  make(from: number, to: number): void {
    if (from >= to) return;
    if (this.from === this.to) {
      this.from = from;
      this.to = from;
    }
    if (from < this.from) this.hash(from, this.from, 1);
    if (to > this.to) this.hash(this.to, to, 1);
    this.from = Math.min(from, this.from);
    this.to = Math.max(to, this.to);
  }

  /** Makes only every so many of them. */
  makeEvery(step: number, from: number, to: number): void {
    if (step === 1) this.make(from, to);
    else if (from < this.from || to > this.to) this.hash(from, to, step);
  }

  private hash(from: number, to: number, step: number): void {
    const { words, values } = this;
    if (this.isLong) {
      for (let at = from; at < to; at += step) {
        const word = at * 4;
        const [a, b] = [words[word] as number, words[word + 1] as number];
        values[at] = hashLong(a, b, words[word + 2] as number, words[word + 3] as number);
      }
    } else {
      for (let at = from; at < to; at += step) {
        values[at] = hashShort(words[at * 2] as number, words[at * 2 + 1] as number);
      }
    }
  }
}

/** The hash of the 16 (or 8) bytes of a byte string at any offset; the same as a text's. */
export function hashWindow(bytes: string, at: number, isLong: boolean): number {
  const [a, b] = [wordAt(bytes, at), wordAt(bytes, at + 4)];
  return isLong ? hashLong(a, b, wordAt(bytes, at + 8), wordAt(bytes, at + 12)) : hashShort(a, b);
}

/** Little-endian, as the typed arrays of every machine that Node runs on. */
function wordAt(bytes: string, at: number): number {
  return (
    bytes.charCodeAt(at) |
    (bytes.charCodeAt(at + 1) << 8) |
    (bytes.charCodeAt(at + 2) << 16) |
    (bytes.charCodeAt(at + 3) << 24)
  );
}

// Odd multipliers with well-mixed bits: the golden ratio and the primes of xxHash and MurmurHash.
export function hashLong(a: number, b: number, c: number, d: number): number {
  return mix(
    Math.imul(a, 0x9e3779b1) ^
      Math.imul((b << 7) | (b >>> 25), 0x85ebca6b) ^
      Math.imul((c << 13) | (c >>> 19), 0xc2b2ae35) ^
      Math.imul((d << 19) | (d >>> 13), 0x27d4eb2f),
  );
}

function hashShort(a: number, b: number): number {
  return mix(Math.imul(a, 0xc2b2ae35) ^ Math.imul((b << 11) | (b >>> 21), 0x165667b1) ^ 0x3c3c3c3c);
}

export function mix(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return once ^ (once >>> 12);
}
