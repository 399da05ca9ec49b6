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

/** True for a text that begins as a JSON array or object does; `{{name}}` does not. */
export function looksLikeJson(text: string): boolean {
  return /^\s*(?:\{\s*(?:["}]|$)|\[\s*(?:["[{\]]|$))/.test(text);
}

/**
 * Whether a text that looks like JSON ends before its first value does. What goes on after that value is a text that
 * only begins with JSON.
 */
export function isCutJson(text: string): boolean {
  return looksLikeJson(text) && isCutOff(text);
}

function isCutOff(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
      if (at < 0) return true;
    } else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return false;
  }
  return true;
}

/** Where the quote is that closes the string opened at `start`; -1 when there is none. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return at;
  }
  return -1;
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

/** Longer than any usage, so that no whole conversation is gone over. */
const PRINTED_CHARACTERS_MAX = 8_192;

/** Also what Python prints of a dictionary, where that was sent for JSON: names, numbers and words without quotes in them. */
export function printedRecordAt(attributes: OtlpAttributes, key: string): JsonRecord | undefined {
  const record = recordAt(attributes, key);
  const printed = record === undefined ? textOf(attributes.get(key)) : undefined;
  if (printed?.startsWith("{'") !== true || printed.length > PRINTED_CHARACTERS_MAX) return record;
  const words: Readonly<Record<string, string>> = { None: 'null', True: 'true', False: 'false' };
  const json = printed
    .replaceAll("'", '"')
    .replaceAll(/(?<=: )(?:None|True|False)(?=[,}])/g, (word) => words[word] ?? word);
  const read = parseJson(json);
  return isRecord(read) ? read : undefined;
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

/** The last count behind a key, written as in JSON, without parsing. In a text within it, the quotes have backslashes. */
export function countInText(raw: string | undefined, key: string): number | undefined {
  const at = raw?.lastIndexOf(key) ?? -1;
  if (raw === undefined || at < 0) return undefined;
  const digits = /^\s*(\d{1,15})/.exec(raw.slice(at + key.length, at + key.length + 20));
  return digits === null ? undefined : Number(digits[1]);
}

/** Undefined for no entries, so that it can be told from a record that is there. */
export function recordOfEntries<Value>(
  entries: readonly (readonly [string, Value])[],
): { readonly [name: string]: Value } | undefined {
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Values of a record as texts, for template variables. */
export function textsOf(record: JsonRecord): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
