/** JSON inside attributes: parsed where it parses, never a reason to fail. */

import type { Json } from '../contract/prompt.ts';
import { plain, readText, textOf } from '../otlp/attributes.ts';
import type { OtlpAttributes, OtlpValue } from '../otlp/model.ts';

export type JsonRecord = { readonly [key: string]: Json };

export function isRecord(value: Json | undefined): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Deeper than any schema or message that people write; keeps everything behind us safe to recurse. */
const DEPTH_MAX = 64;

/** The value of a JSON text, or undefined when it is none (cut off, absurdly deep, or simply not JSON). */
export function parseJson(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isWithin(value, DEPTH_MAX) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isWithin(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  for (const nested of isArray(value) ? value : Object.values(value)) {
    if (!isWithin(nested, depth - 1)) return false;
  }
  return true;
}

/** True for a text that means to be a JSON array or object, whole or cut off. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[[{]\s*(?:["[{\]}]|$)/.test(text);
}

/** A structured value as it is, a JSON text parsed; undefined when absent or not JSON. */
export function jsonOf(value: OtlpValue | undefined): Json | undefined {
  if (value === undefined || value === null) return undefined;
  return textOf(value) === undefined ? plain(value) : readText(value, parseJson);
}

export function recordAt(attributes: OtlpAttributes, key: string): JsonRecord | undefined {
  const value = jsonOf(attributes.get(key));
  return isRecord(value) ? value : undefined;
}

export function recordOf(parent: JsonRecord | undefined, key: string): JsonRecord | undefined {
  const value = parent?.[key];
  return isRecord(value) ? value : undefined;
}

/** A non-empty text of a record; numbers are written out. */
export function stringAt(record: JsonRecord | undefined, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = record?.[key];
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
  }
  return undefined;
}

export function numberAt(record: JsonRecord | undefined, ...keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value = record?.[key];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  }
  return undefined;
}

/** Values of a record as texts, for template variables. */
export function textsOf(record: JsonRecord): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
