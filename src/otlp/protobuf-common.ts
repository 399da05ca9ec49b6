/**
 * The protobuf messages that traces and logs share: AnyValue, KeyValue, Resource, scope.
 * Field numbers: opentelemetry-proto, common/v1/common.proto and resource/v1/resource.proto.
 */

import { DecodeError } from './limits.ts';
import type { OtlpAttributes, OtlpResource, OtlpScope, OtlpValue } from './model.ts';
import type { ProtobufReader } from './protobuf-reader.ts';
import type { Tally } from './tally.ts';

export const NO_ATTRIBUTES: OtlpAttributes = new Map();

/** Attributes of one holder, filled field by field. */
export interface AttributeSink {
  attributes: Map<string, OtlpValue> | null;
  dropped: number;
}

/** Reads one KeyValue into `sink`. Of a repeated key the first stays, as the specification has it. */
export function readKeyValue(reader: ProtobufReader, end: number, tally: Tally, sink: AttributeSink): void {
  const pairEnd = reader.lengthEnd(end);
  sink.attributes ??= new Map();
  if (sink.attributes.size >= tally.limits.attributesMax) {
    reader.position = pairEnd;
    sink.dropped++;
    return;
  }
  tally.attribute();
  readPair(reader, pairEnd, tally, 0, sink.attributes);
}

function readPair(
  reader: ProtobufReader,
  end: number,
  tally: Tally,
  depth: number,
  into: Map<string, OtlpValue>,
): void {
  let key = '';
  let value: OtlpValue = null;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) key = reader.text(end);
    else if (tag === 0x12) value = readAnyValue(reader, reader.lengthEnd(end), tally, depth);
    else reader.skip(tag, end);
  }
  if (!into.has(key)) into.set(key, value);
}

/** `end`: where this AnyValue ends. An empty one is null. */
export function readAnyValue(reader: ProtobufReader, end: number, tally: Tally, depth: number): OtlpValue {
  const { depthMax } = tally.limits;
  if (depth > depthMax) throw new DecodeError('too_deep', `A value is nested deeper than ${depthMax}.`);
  let value: OtlpValue = null;
  while (reader.position < end) {
    const tag = reader.tag(end);
    switch (tag) {
      case 0x0a:
        value = reader.lazyText(end);
        break;
      case 0x10:
        value = reader.varint(end) !== 0;
        break;
      case 0x18:
        value = reader.int64(end);
        break;
      case 0x21:
        value = reader.double(end);
        break;
      case 0x2a:
        value = readArray(reader, reader.lengthEnd(end), tally, depth + 1);
        break;
      case 0x32:
        value = readMap(reader, reader.lengthEnd(end), tally, depth + 1);
        break;
      case 0x3a:
        value = reader.base64(end);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  return value;
}

function readArray(reader: ProtobufReader, end: number, tally: Tally, depth: number): OtlpValue[] {
  const values: OtlpValue[] = [];
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) {
      tally.nested();
      values.push(readAnyValue(reader, reader.lengthEnd(end), tally, depth));
    } else reader.skip(tag, end);
  }
  return values;
}

function readMap(reader: ProtobufReader, end: number, tally: Tally, depth: number): OtlpAttributes {
  if (reader.position === end) return NO_ATTRIBUTES;
  const map = new Map<string, OtlpValue>();
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) {
      tally.nested();
      readPair(reader, reader.lengthEnd(end), tally, depth, map);
    } else reader.skip(tag, end);
  }
  return map;
}

export function readResource(reader: ProtobufReader, end: number, tally: Tally): OtlpResource {
  const sink: AttributeSink = { attributes: null, dropped: 0 };
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) readKeyValue(reader, end, tally, sink);
    else reader.skip(tag, end);
  }
  return { attributes: sink.attributes ?? NO_ATTRIBUTES };
}

export function readScope(reader: ProtobufReader, end: number): OtlpScope {
  let name = '';
  let version = '';
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) name = reader.text(end);
    else if (tag === 0x12) version = reader.text(end);
    else reader.skip(tag, end);
  }
  return { name, version };
}
