/**
 * A string that is still bytes of the request body: most long attributes are never read, and some
 * are recognised by their bytes alone.
 */

import { repeatedText } from './repeated-text.ts';

export class LazyText {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  #text: string | undefined;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  /** UTF-8, a view of the request body: keep a copy, never the view. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Decodes once. Bytes that are not UTF-8 become U+FFFD: one bad attribute must not lose a request. */
  toString(): string {
    this.#text ??= repeatedText(this.#bytes, this.#start, this.#end) ?? this.#decode();
    return this.#text;
  }

  #decode(): string {
    return this.#bytes.toString('utf8', this.#start, this.#end);
  }
}
