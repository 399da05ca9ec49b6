/**
 * OTLP's JSON encoding: proto3 JSON with hex ids and integer enums. Unknown fields are ignored;
 * a known field of the wrong shape is malformed.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */

import { DecodeError, malformed } from './limits.ts';
import type { OtlpAttributes, OtlpValue } from './model.ts';
import { NO_ATTRIBUTES } from './protobuf-common.ts';
import type { Tally } from './tally.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const NO_OBJECT: JsonObject = {};

/** A message field; null counts as absent, as in proto3 JSON. */
export function objectField(parent: JsonObject, key: string): JsonObject {
  const value = parent[key];
  if (value === undefined || value === null) return NO_OBJECT;
  return asObject(value, key);
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${what} is not an object.`);
  return value as JsonObject;
}

export function listField(parent: JsonObject, key: string): readonly unknown[] {
  const value = parent[key];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed(`${key} is not an array.`);
  return value;
}

export function textField(parent: JsonObject, key: string): string {
  const value = parent[key];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw malformed(`${key} is not a string.`);
  return value;
}

/** An integer that may be quoted; 0 when absent. For counts and enums, which are small. */
export function countField(parent: JsonObject, key: string): number {
  const value = parent[key];
  if (value === undefined || value === null) return 0;
  const count = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0) throw malformed(`${key} is not a count.`);
  return count;
}

const NANOS_MAX = 0xffff_ffff_ffff_ffffn;
const DIGITS = /^\d{1,20}$/;

/** Nanoseconds, quoted or not; a bare number has lost some of its digits before it came to us. */
export function nanosField(parent: JsonObject, key: string): bigint {
  const value = parent[key];
  if (value === undefined || value === null) return 0n;
  const isNumber = typeof value === 'number' && Number.isInteger(value) && value >= 0;
  const isDigits = typeof value === 'string' && DIGITS.test(value);
  const nanos = isNumber || isDigits ? BigInt(value) : -1n;
  if (nanos < 0n || nanos > NANOS_MAX) throw malformed(`${key} is not a time in nanoseconds.`);
  return nanos;
}

const HEX = /^[0-9a-f]+$/;

/** An id of `digits` hex digits of any case, lower-cased; '' for anything else or all zeros. */
export function hexField(parent: JsonObject, key: string, digits: number): string {
  const value = textField(parent, key);
  if (value.length !== digits) return '';
  const id = value.toLowerCase();
  return HEX.test(id) && !/^0+$/.test(id) ? id : '';
}

interface JsonAttributes {
  readonly attributes: OtlpAttributes;
  readonly dropped: number;
}

/** `attributes` and `droppedAttributesCount` of a holder. Of a repeated key the first stays. */
export function readJsonAttributes(holder: JsonObject, tally: Tally): JsonAttributes {
  const list = listField(holder, 'attributes');
  const dropped = countField(holder, 'droppedAttributesCount');
  if (list.length === 0) return { attributes: NO_ATTRIBUTES, dropped };
  const attributes = new Map<string, OtlpValue>();
  const kept = list.length > tally.limits.attributesMax ? list.slice(0, tally.limits.attributesMax) : list;
  for (const pair of kept) {
    tally.attribute();
    readJsonPair(pair, tally, 0, attributes);
  }
  return { attributes, dropped: dropped + list.length - kept.length };
}

function readJsonPair(pair: unknown, tally: Tally, depth: number, into: Map<string, OtlpValue>): void {
  const object = asObject(pair, 'An attribute');
  const key = textField(object, 'key');
  const value = readJsonValue(object['value'], tally, depth);
  if (!into.has(key)) into.set(key, value);
}

export function readJsonValue(value: unknown, tally: Tally, depth: number): OtlpValue {
  const { depthMax } = tally.limits;
  if (depth > depthMax) throw new DecodeError('too_deep', `A value is nested deeper than ${depthMax}.`);
  if (value === undefined || value === null) return null;
  const object = asObject(value, 'A value');
  for (const [kind, content] of Object.entries(object)) {
    if (content === null || content === undefined) continue;
    switch (kind) {
      case 'stringValue':
      case 'bytesValue':
        return textField(object, kind);
      case 'boolValue':
        if (typeof content !== 'boolean') throw malformed('boolValue is not true or false.');
        return content;
      case 'intValue':
        return readJsonInteger(content);
      case 'doubleValue':
        return readJsonDouble(content);
      case 'arrayValue':
        return listField(asObject(content, kind), 'values').map((item) => {
          tally.nested();
          return readJsonValue(item, tally, depth + 1);
        });
      case 'kvlistValue': {
        const map = new Map<string, OtlpValue>();
        for (const pair of listField(asObject(content, kind), 'values')) {
          tally.nested();
          readJsonPair(pair, tally, depth + 1, map);
        }
        return map;
      }
      default:
      // An unknown field: a newer sender, or a typing slip. Ignored, as the specification asks.
    }
  }
  return null;
}

function readJsonInteger(content: unknown): number | string {
  if (typeof content === 'number' && Number.isInteger(content)) return content;
  if (typeof content !== 'string' || !/^-?\d{1,19}$/.test(content)) throw malformed('intValue is not an integer.');
  const value = Number(content);
  return Number.isSafeInteger(value) ? value : content;
}

/** proto3 JSON writes what JSON can't: "NaN", "Infinity", "-Infinity". They say nothing, so they are null. */
function readJsonDouble(content: unknown): number | null {
  if (typeof content === 'number') return content;
  if (content === 'NaN' || content === 'Infinity' || content === '-Infinity') return null;
  const value = typeof content === 'string' && content.trim() !== '' ? Number(content) : Number.NaN;
  if (!Number.isFinite(value)) throw malformed('doubleValue is not a number.');
  return value;
}
