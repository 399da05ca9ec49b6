/** A protobuf writer for tests: fields by number, in the order given. */

type Content = string | number | bigint | Uint8Array;

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** Text and bytes are length-delimited, numbers are varints, bigints are fixed64. */
export function field(number: number, content: Content): Buffer {
  if (typeof content === 'number') return Buffer.concat([varint(number * 8), varint(content)]);
  if (typeof content === 'bigint') {
    const fixed = Buffer.alloc(8);
    fixed.writeBigUInt64LE(content);
    return Buffer.concat([varint(number * 8 + 1), fixed]);
  }
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

export function message(...fields: readonly Buffer[]): Buffer {
  return Buffer.concat(fields);
}

export const TRACE_ID = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
export const SPAN_ID = Buffer.from('0123456789abcdef', 'hex');

/** An AnyValue's KeyValue. */
export function pair(key: string, value: Buffer): Buffer {
  return message(field(1, key), field(2, value));
}

export function spanMessage(...extra: readonly Buffer[]): Buffer {
  return message(field(1, TRACE_ID), field(2, SPAN_ID), field(5, 'chat'), field(7, 1_000n), field(8, 2_000n), ...extra);
}

/** ExportTraceServiceRequest with one resource, one scope and these spans. */
export function request(...spans: readonly Buffer[]): Buffer {
  const scope = message(field(1, field(1, 'scope')), ...spans.map((span) => field(2, span)));
  const resource = message(field(1, field(1, pair('service.name', field(1, 'shop')))), field(2, scope));
  return field(1, resource);
}
