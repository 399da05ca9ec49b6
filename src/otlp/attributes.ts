/** Reads attribute values as what a caller needs. The only place that knows about `LazyText`. */

import type { Json } from '../contract/prompt.ts';
import { LazyText } from './lazy-text.ts';
import type { OtlpAttributes, OtlpValue } from './model.ts';

/** A non-empty text; numbers and booleans are written out. */
export function textOf(value: OtlpValue | undefined): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value instanceof LazyText ? value.toString() : undefined;
}

/**
 * What `read` makes of a text, as `textOf` has it; undefined for what is no text. It may be what was
 * made of the same text before, so it must not be changed.
 */
export function readText<Value>(value: OtlpValue | undefined, read: (text: string) => Value): Value | undefined {
  if (value instanceof LazyText) return value.read(read);
  const whole = textOf(value);
  return whole === undefined ? undefined : read(whole);
}

/** UTF-8 of a text, perhaps a view of the request body; undefined for what is no text. */
export function bytesOf(value: OtlpValue | undefined): Buffer | undefined {
  if (value instanceof LazyText) return value.bytes;
  return typeof value === 'string' ? Buffer.from(value) : undefined;
}

/** A finite number, also from its digits. */
export function numberOf(value: OtlpValue | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : undefined;
}

export function booleanOf(value: OtlpValue | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === 'true') return true;
  return value === 'false' ? false : undefined;
}

export function isMap(value: OtlpValue | undefined): value is OtlpAttributes {
  return value instanceof Map;
}

export function isList(value: OtlpValue | undefined): value is readonly OtlpValue[] {
  return Array.isArray(value);
}

/** Plain JSON of a value; texts stay texts. Depth was bounded by the decoder. */
export function plain(value: OtlpValue | undefined): Json {
  if (value === undefined || value === null) return null;
  if (value instanceof LazyText) return value.toString();
  if (isList(value)) return value.map(plain);
  if (isMap(value)) return Object.fromEntries(Array.from(value, ([key, nested]) => [key, plain(nested)]));
  return value;
}

export function text(attributes: OtlpAttributes, key: string): string | undefined {
  return textOf(attributes.get(key));
}

/** The first of several spellings that is there. */
export function firstText(attributes: OtlpAttributes, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = textOf(attributes.get(key));
    if (found !== undefined) return found;
  }
  return undefined;
}

export function number(attributes: OtlpAttributes, key: string): number | undefined {
  return numberOf(attributes.get(key));
}

export function firstNumber(attributes: OtlpAttributes, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const found = numberOf(attributes.get(key));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A list of texts; a single text is a list of one. */
export function texts(attributes: OtlpAttributes, key: string): readonly string[] | undefined {
  const value = attributes.get(key);
  const list = isList(value) ? value.map(textOf) : [textOf(value)];
  const found = list.filter((item) => item !== undefined);
  return found.length === 0 ? undefined : found;
}
