/**
 * One text, prepared for matching: trimmed, as a byte string, and with the hashes of its windows at
 * aligned offsets, which are what anchors are found by. Reused from text to text, so that matching
 * allocates next to nothing.
 */

// Kept between texts; a larger text gets a buffer of its own that is let go again.
const SCRATCH_BYTES = 1 << 18;
const LONG_WINDOW = 16;
const SHORT_WINDOW = 8;

export class TextProbe {
  /** The trimmed text as a byte string. */
  bytes = '';
  /** Hashes of the windows at multiples of the window's size, and how many are valid. */
  longHashes = new Int32Array(SCRATCH_BYTES / LONG_WINDOW);
  shortHashes = new Int32Array(SCRATCH_BYTES / SHORT_WINDOW);
  longCount = 0;
  shortCount = 0;
  /** Of all bytes; differs from process to process, so that collisions can't be prepared. */
  contentHash = 0;
  private readonly seed = Math.floor(Math.random() * 2 ** 32) | 0;
  private readonly ownScratch = Buffer.from(new ArrayBuffer(SCRATCH_BYTES));
  private scratch = this.ownScratch;
  private words = new Int32Array(this.ownScratch.buffer);

  prepare(text: string): void {
    const trimmed = text.trim();
    // A character of UTF-16 becomes at most three bytes of UTF-8.
    this.makeRoom(trimmed.length * 3);
    const size = this.scratch.write(trimmed, 0, 'utf8');
    // As many bytes as characters: all ASCII, and the text is its own byte string.
    this.bytes = size === trimmed.length ? trimmed : this.scratch.toString('latin1', 0, size);
    this.shortCount = -1;
    this.hashLongWindows(size);
  }

  /** Few patterns need the short windows, so few texts pay for their hashes. */
  hashShortWindows(): void {
    if (this.shortCount >= 0) return;
    const { words, shortHashes } = this;
    const count = Math.floor(this.bytes.length / SHORT_WINDOW);
    for (let at = 0; at < count; at += 1) {
      shortHashes[at] = hashShort(words[at * 2] as number, words[at * 2 + 1] as number);
    }
    this.shortCount = count;
  }

  /** The hash of the content comes along: it is made of those of the windows, and what is left behind the last. */
  private hashLongWindows(size: number): void {
    const { words, longHashes } = this;
    const count = Math.floor(size / LONG_WINDOW);
    let content = this.seed ^ size;
    for (let at = 0; at < count; at += 1) {
      const word = at * 4;
      const [a, b] = [words[word] as number, words[word + 1] as number];
      const hash = hashLong(a, b, words[word + 2] as number, words[word + 3] as number);
      longHashes[at] = hash;
      // An odd factor for each place: the same windows in another order are another content.
      content = (content + Math.imul(hash, at * 2 + 1)) | 0;
    }
    for (let at = count * LONG_WINDOW; at < size; at += 1) {
      content = Math.imul(content ^ (this.scratch[at] as number), 0x01000193);
    }
    this.longCount = count;
    this.contentHash = mix(content);
  }

  private makeRoom(bytesMax: number): void {
    if (bytesMax <= SCRATCH_BYTES) {
      this.scratch = this.ownScratch;
    } else if (this.scratch.length < bytesMax || this.scratch.length > bytesMax * 4) {
      this.scratch = Buffer.from(new ArrayBuffer(Math.ceil(bytesMax / LONG_WINDOW) * LONG_WINDOW));
    }
    if (this.words.buffer === this.scratch.buffer) return;
    this.words = new Int32Array(this.scratch.buffer);
    this.longHashes = new Int32Array(this.scratch.length / LONG_WINDOW);
    this.shortHashes = new Int32Array(this.scratch.length / SHORT_WINDOW);
  }
}

/** The hash of the 16 (or 8) bytes of a byte string at any offset; the same as the probe's. */
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
function hashLong(a: number, b: number, c: number, d: number): number {
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

function mix(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return once ^ (once >>> 12);
}
