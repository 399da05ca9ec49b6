/**
 * One text, prepared for matching: trimmed, as a byte string, and with the hashes it is found by,
 * which are made when they are asked for. Reused from text to text, so that matching allocates next
 * to nothing.
 */

import { hashLong, LONG_WINDOW_BYTES, mix, WindowHashes } from './window-hashes.ts';

// Kept between texts; a larger text gets a buffer of its own that is let go again.
const SCRATCH_BYTES = 1 << 18;
const SAMPLED_WORDS = 8;
// The prime of FNV-1a.
const PRIME = 0x01000193;

export class TextProbe {
  /** The trimmed text as a byte string. */
  bytes = '';
  isAscii = true;
  readonly longWindows = new WindowHashes(true);
  readonly shortWindows = new WindowHashes(false);
  /** Differs from process to process, so that equal hashes can't be prepared. */
  private readonly seed = Math.floor(Math.random() * 2 ** 32) | 0;
  private readonly ownScratch = Buffer.from(new ArrayBuffer(SCRATCH_BYTES));
  private scratch = Buffer.alloc(0);
  private words = new Int32Array(0);

  prepare(text: string): void {
    const trimmed = text.trim();
    // A character of UTF-16 becomes at most three bytes of UTF-8.
    this.makeRoom(trimmed.length * 3);
    const size = this.scratch.write(trimmed, 0, 'utf8');
    // As many bytes as characters: all ASCII, and the text is its own byte string.
    this.isAscii = size === trimmed.length;
    this.bytes = this.isAscii ? trimmed : this.scratch.toString('latin1', 0, size);
    this.longWindows.forget();
    this.shortWindows.forget();
  }

  /** Of every byte. */
  contentHash(): number {
    const { words, scratch, seed } = this;
    const size = this.bytes.length;
    const end = (size >>> 4) << 2;
    // In four lanes, because a multiplication waits for the one before it.
    let [a, b, c, d] = [seed, size, ~seed, 1];
    for (let at = 0; at < end; at += 4) {
      a = Math.imul(a ^ (words[at] as number), PRIME);
      b = Math.imul(b ^ (words[at + 1] as number), PRIME);
      c = Math.imul(c ^ (words[at + 2] as number), PRIME);
      d = Math.imul(d ^ (words[at + 3] as number), PRIME);
    }
    for (let at = end * 4; at < size; at += 1) a = Math.imul(a ^ (scratch[at] as number), PRIME);
    return mix(hashLong(a, b, c, d));
  }

  /** Of the size and a few words spread over the text: so cheap that every text can be asked for it. */
  sampleHash(): number {
    const { words } = this;
    const size = this.bytes.length;
    // Whole words only: what lies behind the text's end is another text's.
    const lastWord = (size >>> 2) - 1;
    let hash = size;
    if (lastWord < 0) return mix(hash);
    for (let sample = 0; sample < SAMPLED_WORDS; sample += 1) {
      const at = (lastWord * sample) / (SAMPLED_WORDS - 1);
      hash = Math.imul(hash ^ (words[Math.trunc(at)] as number), PRIME);
      hash ^= hash >>> 15;
    }
    return mix(hash);
  }

  private makeRoom(bytesMax: number): void {
    const before = this.scratch;
    if (bytesMax <= SCRATCH_BYTES) {
      this.scratch = this.ownScratch;
    } else if (before.length < bytesMax || before.length > bytesMax * 4) {
      this.scratch = Buffer.from(new ArrayBuffer(Math.ceil(bytesMax / LONG_WINDOW_BYTES) * LONG_WINDOW_BYTES));
    }
    if (this.scratch === before) return;
    this.words = new Int32Array(this.scratch.buffer);
    this.longWindows.readFrom(this.words);
    this.shortWindows.readFrom(this.words);
  }
}
