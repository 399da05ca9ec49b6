/**
 * Bytes and texts gathered one behind the other, in room that is used again. Adding texts to a
 * string instead makes a rope, which has to be copied twice and is the garbage collector's to move;
 * and fresh buffers for megabytes a second make it collect the whole heap every second.
 */

const NO_ROOM = Buffer.alloc(0);
// UTF-16 units become at most three bytes each.
const BYTES_PER_UNIT_MAX = 3;

// At least: else each addition to one that is larger than the rooms below would copy all of it.
const GROWTH = 1.5;

/** Rooms are so many bytes times a power of two. */
const ROOM_BYTES_MIN = 16 * 1024;
const ROOM_SIZES = 12;
const SPARE_BYTES_MAX = 256 * 1024 * 1024;
// What nobody has needed for so long is let go of.
const NEEDED_WITHIN_MS = 5_000;

/** Rooms that wait to be used again, by size. */
const spare: Buffer[][] = Array.from({ length: ROOM_SIZES }, () => []);
let spareBytes = 0;
/** The least that was spare since the last look: so much nobody needed. */
let neverNeededBytes = 0;
let lookedMs = 0;

export class GrowingBuffer {
  #room: Buffer = NO_ROOM;
  #length = 0;
  readonly #expected: number;

  /** `expected`: about how many bytes it will hold; it begins with room for them, and grows. */
  constructor(expected = 0) {
    this.#expected = expected;
  }

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /** The memory that the bytes are in; it is another one when they have outgrown it. */
  get room(): Buffer {
    return this.#room;
  }

  /** What is in it, not copied: it stands until the next `add` or `clear`. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  /** As UTF-8. */
  add(text: string): void {
    if (this.#length + text.length * BYTES_PER_UNIT_MAX > this.#room.length) this.reserve(Buffer.byteLength(text));
    this.#length += this.#room.write(text, this.#length, 'utf8');
  }

  /** Returns where they begin. */
  addBytes(bytes: Buffer): number {
    const start = this.#length;
    this.reserve(bytes.length);
    this.#length += bytes.copy(this.#room, start);
    return start;
  }

  /** Takes back what was added since it was `length` long. */
  truncate(length: number): void {
    this.#length = Math.min(length, this.#length);
  }

  /** Empties it. Somebody else gets the room: whoever still looks at `bytes` sees something else. */
  clear(): void {
    giveBack(this.#room);
    this.#room = NO_ROOM;
    this.#length = 0;
  }

  /** Makes room for so many bytes more, so that it need not grow for each of them. */
  reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#room.length) return;
    const room = roomFor(Math.max(needed, this.#expected, Math.ceil(this.#room.length * GROWTH)));
    this.#room.copy(room, 0, 0, this.#length);
    giveBack(this.#room);
    this.#room = room;
  }
}

function roomFor(bytes: number): Buffer {
  const size = sizeFor(bytes);
  const found = spare[size]?.pop();
  if (found !== undefined) spareBytes -= found.length;
  neverNeededBytes = Math.min(neverNeededBytes, spareBytes);
  // Not from Node's pool: one of its slabs lives as long as the longest of all that share it.
  return found ?? Buffer.allocUnsafeSlow(size < ROOM_SIZES ? ROOM_BYTES_MIN << size : bytes);
}

function giveBack(room: Buffer): void {
  const rooms = spare[sizeFor(room.length)];
  if (room.length < ROOM_BYTES_MIN || rooms === undefined || spareBytes + room.length > SPARE_BYTES_MAX) return;
  rooms.push(room);
  spareBytes += room.length;
  const nowMs = performance.now();
  if (nowMs - lookedMs > NEEDED_WITHIN_MS) letGo(nowMs);
}

function letGo(nowMs: number): void {
  for (const rooms of spare.toReversed()) {
    while (rooms.length > 0 && (rooms[0] as Buffer).length <= neverNeededBytes) {
      const { length } = rooms.pop() as Buffer;
      spareBytes -= length;
      neverNeededBytes -= length;
    }
  }
  neverNeededBytes = spareBytes;
  lookedMs = nowMs;
}

function sizeFor(bytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(bytes / ROOM_BYTES_MIN)));
}
