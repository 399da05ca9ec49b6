/** Just enough of a protobuf writer to make ExportTraceServiceRequests, independent of the code that is measured. */

export class Writer {
  readonly #pieces: Buffer[] = [];

  bytes(field: number, value: Buffer | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.#pieces.push(varint(field * 8 + 2), varint(bytes.length), bytes);
    return this;
  }

  varint(field: number, value: number): this {
    this.#pieces.push(varint(field * 8), varint(value));
    return this;
  }

  fixed64(field: number, value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    this.#pieces.push(varint(field * 8 + 1), bytes);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

export function keyValue(key: string, value: string | number): Buffer {
  const any = new Writer();
  if (typeof value === 'number') any.varint(3, value);
  else any.bytes(1, value);
  return new Writer().bytes(1, key).bytes(2, any.finish()).finish();
}
