/**
 * Text lines gathered as UTF-8 bytes. Adding to a string instead makes a rope, which has to be
 * copied twice and is the garbage collector's to move: for megabytes of rows that is most of the work.
 */

const FIRST_BYTES = 64 * 1024;
// UTF-16 units become at most three bytes each.
const BYTES_PER_UNIT_MAX = 3;

export class LineBuffer {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /** Adds the text as it is; line ends are the caller's. */
  add(text: string): void {
    const needed = this.#length + text.length * BYTES_PER_UNIT_MAX;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  /** Takes back what was added since it was `length` long. */
  truncate(length: number): void {
    this.#length = Math.min(length, this.#length);
  }

  /** The bytes so far; valid as long as nothing is added. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, FIRST_BYTES));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
