/**
 * Bytes and texts gathered one behind the other, in room that is used again. Adding texts to a
 * string instead makes a rope, which has to be copied twice and is the garbage collector's to move;
 * and fresh buffers for megabytes a second make it collect the whole heap every second.
 */

import { spareRoom } from './memory-shares.ts';

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

/** Rooms that wait to be used again. */
export class Rooms {
  readonly #allocate: (bytes: number) => Buffer;
  /** By size. */
  readonly #spare: Buffer[][] = Array.from({ length: ROOM_SIZES }, () => []);
  #spareBytes = 0;
  /** The least that was spare since the last look: so much nobody needed. */
  #neverNeededBytes = 0;
  #lookedMs = 0;

  constructor(allocate: (bytes: number) => Buffer) {
    this.#allocate = allocate;
  }

  /** At least so large; what is in it is anything. */
  take(bytes: number): Buffer {
    const size = sizeFor(bytes);
    const found = this.#spare[size]?.pop();
    if (found !== undefined) this.#spareBytes -= found.length;
    this.#neverNeededBytes = Math.min(this.#neverNeededBytes, this.#spareBytes);
    return found ?? this.#allocate(size < ROOM_SIZES ? ROOM_BYTES_MIN << size : bytes);
  }

  /** One of its own, which nobody else has any more. */
  give(room: Buffer): void {
    const rooms = this.#spare[sizeFor(room.length)];
    if (
      room.length < ROOM_BYTES_MIN ||
      rooms === undefined ||
      this.#spareBytes + room.length > spareRoom(SPARE_BYTES_MAX)
    )
      return;
    rooms.push(room);
    this.#spareBytes += room.length;
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs > NEEDED_WITHIN_MS) this.#letGo(nowMs);
  }

  /** Keeps none: memory is needed elsewhere. */
  clear(): void {
    for (const rooms of this.#spare) rooms.length = 0;
    this.#spareBytes = 0;
    this.#neverNeededBytes = 0;
  }

  #letGo(nowMs: number): void {
    for (const rooms of this.#spare.toReversed()) {
      while (rooms.length > 0 && (rooms[0] as Buffer).length <= this.#neverNeededBytes) {
        const { length } = rooms.pop() as Buffer;
        this.#spareBytes -= length;
        this.#neverNeededBytes -= length;
      }
    }
    this.#neverNeededBytes = this.#spareBytes;
    this.#lookedMs = nowMs;
  }
}

// Not from Node's pool: one of its slabs lives as long as the longest of all that share it.
const OWN_ROOMS = new Rooms((bytes) => Buffer.allocUnsafeSlow(bytes));

/** Of this thread, all that have none of their own: see `Rooms.clear`. */
export function clearSpareRooms(): void {
  OWN_ROOMS.clear();
}

export class GrowingBuffer {
  #room: Buffer = NO_ROOM;
  #length = 0;
  readonly #expected: number;
  readonly #rooms: Rooms;

  /** `expected`: about how many bytes it will hold; it begins with room for them, and grows. */
  constructor(expected = 0, rooms = OWN_ROOMS) {
    this.#expected = expected;
    this.#rooms = rooms;
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
    this.#rooms.give(this.#room);
    this.#room = NO_ROOM;
    this.#length = 0;
  }

  /** Makes room for so many bytes more, so that it need not grow for each of them. */
  reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#room.length) return;
    const room = this.#rooms.take(Math.max(needed, this.#expected, Math.ceil(this.#room.length * GROWTH)));
    this.#room.copy(room, 0, 0, this.#length);
    this.#rooms.give(this.#room);
    this.#room = room;
  }
}

function sizeFor(bytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(bytes / ROOM_BYTES_MIN)));
}
