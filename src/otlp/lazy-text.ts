/** A string that is still bytes of the request body: most long attributes are never read. */

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

  /** Decodes once. Bytes that are not UTF-8 become U+FFFD: one bad attribute must not lose a request. */
  toString(): string {
    this.#text ??= this.#bytes.toString('utf8', this.#start, this.#end);
    return this.#text;
  }
}
