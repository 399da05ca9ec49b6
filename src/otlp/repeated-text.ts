/**
 * Decodes texts that come again and again, such as a system prompt with every call, into the very
 * same string, and keeps what was read from it: a hit costs one comparison of bytes, and whoever
 * looks that string up in a map finds its hash already known to the engine.
 */

import { cacheRoom } from '../lib/memory-shares.ts';

/** Longer texts are histories, which grow and so never repeat. */
const TEXT_BYTES_MAX = 32 * 1024;
/** Of all kept texts; what is read from them takes about as much again, twice. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;
/** Direct-mapped: a new text replaces what was in its slot. */
const SLOTS = 4_096;
/** Of texts that were seen once. */
const SEEN_SLOTS = 16_384;
const SAMPLES = 16;

export class RepeatedText {
  readonly bytes: Buffer;
  readonly text: string;
  #readBy: unknown = null;
  #read: unknown = undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.text = bytes.toString('utf8');
  }

  /** What `read` makes of the text, made once; the caller must not change it. */
  read<Value>(read: (text: string) => Value): Value {
    if (this.#readBy !== read) {
      this.#read = read(this.text);
      this.#readBy = read;
    }
    return this.#read as Value;
  }
}

const kept: (RepeatedText | undefined)[] = Array.from({ length: SLOTS });
const seen = new Uint32Array(SEEN_SLOTS);
let keptBytes = 0;

/** The text between `start` and `end` if it was met before, else undefined. */
export function repeatedText(bytes: Buffer, start: number, end: number): RepeatedText | undefined {
  const length = end - start;
  if (length > TEXT_BYTES_MAX) return undefined;
  const print = fingerprint(bytes, start, length);
  const slot = print & (SLOTS - 1);
  const known = kept[slot];
  if (known?.bytes.length === length && bytes.compare(known.bytes, 0, length, start, end) === 0) return known;
  const seenSlot = print & (SEEN_SLOTS - 1);
  if (seen[seenSlot] !== print) {
    // The first time: a text that never comes again must not push out one that does.
    seen[seenSlot] = print;
    return undefined;
  }
  return keep(slot, Buffer.from(bytes.subarray(start, end)));
}

function keep(slot: number, bytes: Buffer): RepeatedText {
  keptBytes += bytes.length - (kept[slot]?.bytes.length ?? 0);
  if (keptBytes > cacheRoom(KEPT_BYTES_MAX)) {
    kept.fill(undefined);
    keptBytes = bytes.length;
  }
  const text = new RepeatedText(bytes);
  kept[slot] = text;
  return text;
}

/** Of the length and a few bytes from all over the text, most of them near its ends. Never 0. */
function fingerprint(bytes: Buffer, start: number, length: number): number {
  let hash = length;
  const step = Math.max(1, Math.floor(length / SAMPLES));
  for (let at = 0; at < length; at += step) hash = Math.imul(hash ^ (bytes[start + at] as number), 0x0100_0193);
  for (let at = Math.max(0, length - SAMPLES); at < length; at += 1) {
    hash = Math.imul(hash ^ (bytes[start + at] as number), 0x0100_0193);
  }
  return ((hash ^ (hash >>> 15)) | 1) >>> 0;
}
