/** Broken telemetry, made from real telemetry with a seed. */

import { random } from '../dialects/rearrange.ts';

export interface Mutant {
  readonly bytes: Buffer;
  readonly seed: number;
}

/** One broken body: bytes changed, cut, repeated, moved; or, of JSON, values and contents replaced by other kinds. */
export function mutate(original: Buffer, other: Buffer, isJson: boolean, seed: number): Mutant {
  const next = random(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  if (isJson && next() < 0.8)
    return { bytes: next() < 0.2 ? mutateJson(original, next) : mutateContent(original, next), seed };
  let bytes: Buffer = Buffer.from(original);
  for (let count = 1 + below(2); count > 0; count--)
    bytes = MUTATIONS[below(MUTATIONS.length)]?.(bytes, other, below) ?? bytes;
  return { bytes, seed };
}

type Below = (limit: number) => number;

const MUTATIONS: readonly ((bytes: Buffer, other: Buffer, below: Below) => Buffer)[] = [
  // One byte becomes any other: tags, lengths, quotes.
  (bytes, _other, below) => {
    if (bytes.length > 0) bytes[below(bytes.length)] = below(256);
    return bytes;
  },
  // One bit of the first bytes, where the lengths of everything are.
  (bytes, _other, below) => {
    const at = below(Math.min(bytes.length, 16));
    if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
    return bytes;
  },
  (bytes, _other, below) => bytes.subarray(0, below(bytes.length + 1)),
  (bytes, _other, below) => {
    const from = below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(Math.min(bytes.length, from + below(40)))]);
  },
  (bytes, _other, below) => {
    const from = below(bytes.length + 1);
    const chunk = bytes.subarray(from, from + below(200));
    const at = below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), chunk, bytes.subarray(at)]);
  },
  (bytes, other, below) => {
    const at = below(bytes.length + 1);
    const from = below(other.length + 1);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + below(300)), bytes.subarray(at)]);
  },
  // A run of continuation bytes: the longest number there is, and longer.
  (bytes, _other, below) => {
    const at = below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + below(12), 0xff), bytes.subarray(at)]);
  },
];

const STRANGE: readonly unknown[] = [
  null,
  0,
  -1,
  1e300,
  '',
  'x',
  true,
  [],
  {},
  [[]],
  '{"role":',
  '[{"role":"user"}]',
  '\uD800',
  nest(80),
];

/** Replaces or removes some values anywhere in the tree; the result is still JSON. */
function mutateJson(original: Buffer, next: () => number): Buffer {
  return Buffer.from(JSON.stringify(changed(JSON.parse(original.toString()), next, 0.01)));
}

function changed(value: unknown, next: () => number, rate: number): unknown {
  if (next() < rate) return STRANGE[Math.floor(next() * STRANGE.length)];
  if (Array.isArray(value)) return value.map((item) => changed(item, next, rate));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, nested]) => (next() < rate / 2 ? [] : [[key, changed(nested, next, rate)]])),
  );
}

interface Attribute {
  key: string;
  value: { stringValue?: string; [kind: string]: unknown };
}

/** Sound OTLP with unsound contents: JSON in texts cut or changed, values moved to other keys. */
function mutateContent(original: Buffer, next: () => number): Buffer {
  const body: unknown = JSON.parse(original.toString());
  const attributes: Attribute[] = [];
  collect(body, attributes);
  for (const attribute of attributes) {
    if (next() >= 0.2) continue;
    const text = attribute.value.stringValue;
    const other = attributes[Math.floor(next() * attributes.length)] as Attribute;
    if (text === undefined || next() < 0.3) [attribute.value, other.value] = [other.value, attribute.value];
    else attribute.value.stringValue = mutateText(text, next);
  }
  return Buffer.from(JSON.stringify(body));
}

function mutateText(text: string, next: () => number): string {
  if (next() < 0.3) return text.slice(0, Math.floor(next() * text.length));
  try {
    const changedText = JSON.stringify(changed(JSON.parse(text), next, 0.2));
    return changedText ?? text;
  } catch {
    return next() < 0.5 ? `[{"${text}` : JSON.stringify([nest(Math.floor(next() * 100)), text]);
  }
}

function collect(value: unknown, into: Attribute[]): void {
  if (Array.isArray(value)) for (const item of value) collect(item, into);
  else if (typeof value === 'object' && value !== null) {
    if ('key' in value && 'value' in value && typeof value.value === 'object' && value.value !== null)
      into.push(value as Attribute);
    for (const nested of Object.values(value)) collect(nested, into);
  }
}

function nest(depth: number): unknown {
  return depth === 0 ? 1 : [nest(depth - 1)];
}
