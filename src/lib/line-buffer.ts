/**
 * Text lines gathered as UTF-8 bytes. Adding to a string instead makes a rope, which has to be
 * copied twice and is the garbage collector's to move: for megabytes of rows that is most of the work.
 */

const FIRST_BYTES = 256 * 1024;
// UTF-16 units become at most three bytes each.
const BYTES_PER_UNIT_MAX = 3;

/** Room that is used again: growing anew for every request costs more than writing the lines. */
const spare: Buffer[] = [];
const SPARE_MAX = 4;
const SPARE_BYTES_MAX = 8 * 1024 * 1024;
const NO_ROOM = Buffer.alloc(0);

export class LineBuffer {
  #room: Buffer = NO_ROOM;
  #length = 0;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /** Adds the text as it is; line ends are the caller's. */
  add(text: string): void {
    const needed = this.#length + text.length * BYTES_PER_UNIT_MAX;
    if (needed > this.#room.length) this.#grow(needed);
    this.#length += this.#room.write(text, this.#length, 'utf8');
  }

  /** Takes back what was added since it was `length` long. */
  truncate(length: number): void {
    this.#length = Math.min(length, this.#length);
  }

  /** The bytes so far, in exactly as much memory; what is added next begins anew. */
  take(): Buffer {
    // Not from Node's pool: one of its slabs lives as long as the longest of all that share it.
    const bytes = this.#length === 0 ? NO_ROOM : Buffer.allocUnsafeSlow(this.#length);
    this.#room.copy(bytes, 0, 0, this.#length);
    giveBack(this.#room);
    this.#room = NO_ROOM;
    this.#length = 0;
    return bytes;
  }

  #grow(needed: number): void {
    const room = roomFor(Math.max(needed, this.#length * 2));
    this.#room.copy(room, 0, 0, this.#length);
    giveBack(this.#room);
    this.#room = room;
  }
}

function roomFor(bytes: number): Buffer {
  const index = spare.findIndex((each) => each.length >= bytes);
  const [found] = index === -1 ? [] : spare.splice(index, 1);
  return found ?? Buffer.allocUnsafeSlow(Math.max(bytes, FIRST_BYTES));
}

function giveBack(room: Buffer): void {
  if (room.length > 0 && room.length <= SPARE_BYTES_MAX && spare.length < SPARE_MAX) spare.push(room);
}
