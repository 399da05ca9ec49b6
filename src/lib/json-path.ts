/**
 * Short paths into JSON: `data.prompt.text`, `items[0]`, `env[name=PROMPT].value`, `["a.b"].c`.
 * Enough to name one place in an answer or a file; not a query language.
 */

import { Fault } from '../contract/fault.ts';

export type JsonPathStep =
  | { readonly kind: 'key'; readonly key: string }
  /** Negative counts from the end. */
  | { readonly kind: 'index'; readonly index: number }
  /** The first element whose `key` is `value`, compared as text. */
  | { readonly kind: 'match'; readonly key: string; readonly value: string };

export type JsonPath = readonly JsonPathStep[];

const STEP =
  /(?:^|\.)(?<key>[^.[\]"]+)|\[(?<index>-?\d+)\]|\["(?<quoted>[^"]*)"\]|\[(?<matchKey>[^=\]"]+)=(?<matchValue>[^\]]*)\]/gy;

/** Throws a `Fault` of kind `config` that shows where the path stops making sense. Empty or `$`: the value itself. */
export function parseJsonPath(text: string): JsonPath {
  if (text === '$') return [];
  const steps: JsonPathStep[] = [];
  STEP.lastIndex = 0;
  let end = 0;
  while (end < text.length) {
    const groups = STEP.exec(text)?.groups;
    if (groups === undefined) {
      throw new Fault('config', `The path "${text}" can't be read from "${text.slice(end)}" on.`, {
        hint: 'Write it like data.items[0].text, env[name=PROMPT].value or ["a.b"].c.',
      });
    }
    end = STEP.lastIndex;
    steps.push(stepFrom(groups));
  }
  return steps;
}

function stepFrom(groups: Readonly<Record<string, string | undefined>>): JsonPathStep {
  if (groups['index'] !== undefined) return { kind: 'index', index: Number(groups['index']) };
  if (groups['matchKey'] !== undefined) {
    return { kind: 'match', key: groups['matchKey'], value: groups['matchValue'] ?? '' };
  }
  return { kind: 'key', key: groups['quoted'] ?? groups['key'] ?? '' };
}

/** What is at the path, or undefined when nothing is. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  const keys = keysAt(value, path);
  return keys === null ? undefined : keys.reduce<unknown>(child, value);
}

/**
 * The same path as plain keys and indexes of this very value, for writing there; null when a step
 * before the last leads nowhere. The last step may name a key that does not exist yet.
 */
export function keysAt(value: unknown, path: JsonPath): readonly (string | number)[] | null {
  const keys: (string | number)[] = [];
  let current = value;
  for (const step of path) {
    const key = keyFor(current, step);
    if (key === null) return null;
    keys.push(key);
    current = child(current, key);
  }
  return keys;
}

function keyFor(value: unknown, step: JsonPathStep): string | number | null {
  if (typeof value !== 'object' || value === null) return null;
  if (step.kind === 'key') return Array.isArray(value) ? null : step.key;
  if (!Array.isArray(value)) return null;
  if (step.kind === 'index') {
    const index = step.index < 0 ? value.length + step.index : step.index;
    return index >= 0 && index < value.length ? index : null;
  }
  const index = value.findIndex((item: unknown) => {
    const found = child(item, step.key);
    return (
      (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') &&
      String(found) === step.value
    );
  });
  return index < 0 ? null : index;
}

function child(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}
