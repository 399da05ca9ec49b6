/**
 * A page of lines of which many hold one each. When the last of them lets go its room is used
 * again, without a word to the garbage collector: facts that wait for latecomers come and go by
 * megabytes a second.
 */

import { GrowingBuffer } from '../../lib/growing-buffer.ts';

export interface Page {
  /** The lines are in it, each where its holder knows. */
  readonly room: Buffer;
  /** Whether a line here keeps the lines of others in memory too. */
  readonly isShared: boolean;
  hold(): void;
  release(): void;
}

export class SharedPage implements Page {
  readonly isShared = true;
  readonly #lines: GrowingBuffer;
  #holders = 0;

  constructor(expectedBytes: number) {
    this.#lines = new GrowingBuffer(expectedBytes);
  }

  get room(): Buffer {
    return this.#lines.room;
  }

  get bytes(): Buffer {
    return this.#lines.bytes;
  }

  /** Returns where they begin. */
  add(bytes: Buffer): number {
    return this.#lines.addBytes(bytes);
  }

  hold(): void {
    this.#holders += 1;
  }

  /** What is read of it after the last release is empty, or somebody else's. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#lines.clear();
  }
}

/** Bytes that are left to the garbage collector. */
export function ownPage(room: Buffer): Page {
  return { room, isShared: false, hold: nothing, release: nothing };
}

function nothing(): void {}
