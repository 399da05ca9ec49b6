/**
 * Lists and objects that were flattened into attribute keys (`llm.input_messages.3.message.role`),
 * put together again. Indices may come in any order and with holes.
 */

import type { Json } from '../contract/prompt.ts';
import { plain } from '../otlp/attributes.ts';
import type { OtlpAttributes, OtlpValue } from '../otlp/model.ts';

/** Levels below the prefix; more is a key that nobody writes. */
const DEPTH_MAX = 16;

interface Node {
  value: OtlpValue | undefined;
  children: Map<string, Node> | null;
}

/** The JSON below `prefix` (which ends in a dot), or undefined when there is none. */
export function unflatten(attributes: OtlpAttributes, prefix: string): Json | undefined {
  const root: Node = { value: undefined, children: null };
  for (const [key, value] of attributes) {
    if (!key.startsWith(prefix)) continue;
    const path = key.slice(prefix.length).split('.');
    if (path.length <= DEPTH_MAX) insert(root, path, value);
  }
  return root.children === null ? undefined : build(root);
}

function insert(root: Node, path: readonly string[], value: OtlpValue): void {
  let node = root;
  for (const step of path) {
    node.children ??= new Map();
    let child = node.children.get(step);
    if (child === undefined) {
      child = { value: undefined, children: null };
      node.children.set(step, child);
    }
    node = child;
  }
  node.value = value;
}

function build(node: Node): Json {
  if (node.children === null) return plain(node.value);
  const entries = [...node.children];
  if (entries.every(([key]) => /^\d{1,9}$/.test(key))) {
    return entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, child]) => build(child));
  }
  return Object.fromEntries(entries.map(([key, child]) => [key, build(child)]));
}

/** The list below `prefix`; keys that go on with something else than an index are not of it. */
export function unflattenList(attributes: OtlpAttributes, prefix: string): readonly Json[] | undefined {
  const root: Node = { value: undefined, children: null };
  for (const [key, value] of attributes) {
    if (!key.startsWith(prefix) || !isDigit(key.charCodeAt(prefix.length))) continue;
    const path = key.slice(prefix.length).split('.');
    if (path.length <= DEPTH_MAX) insert(root, path, value);
  }
  if (root.children === null) return undefined;
  const list = build(root);
  return Array.isArray(list) ? (list as readonly Json[]) : undefined;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
