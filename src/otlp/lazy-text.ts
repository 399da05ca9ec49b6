/**
 * A string that is still bytes of the request body: most long attributes are never read, and some
 * are recognised by their bytes alone.
 */

import { repeatedText, type RepeatedText } from './repeated-text.ts';

export class LazyText {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  #text: string | RepeatedText | undefined;

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
    const text = this.#decoded();
    return typeof text === 'string' ? text : text.text;
  }

  /** What `read` makes of the text; of one that comes again and again, what it made of it before. */
  read<Value>(read: (text: string) => Value): Value {
    const text = this.#decoded();
    return typeof text === 'string' ? read(text) : text.read(read);
  }

  #decoded(): string | RepeatedText {
    this.#text ??=
      repeatedText(this.#bytes, this.#start, this.#end) ?? this.#bytes.toString('utf8', this.#start, this.#end);
    return this.#text;
  }
}
