/**
 * Adds targets to a source in the text of `plumbline.yaml`, as a person would: new lines below the
 * last target, and everything else stays as it is, comments and spacing too. Pure.
 */

import { Document, isMap, isSeq, parseDocument, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import { Fault } from '../contract/fault.ts';
import { canonicalJson } from '../lib/json.ts';

/** `prompt` and the plugin's own keys. */
export type TargetEntry = { readonly prompt: string } & Readonly<Record<string, unknown>>;

/** Throws a `Fault` of kind `config` when the text has no such source. */
export function addTargets(text: string, source: string, targets: readonly TargetEntry[]): string {
  if (targets.length === 0) return text;
  const document = parseDocument(text);
  const entry = findSource(document, source);
  if (entry === null) {
    throw new Fault('config', `The configuration has no source ${source} to add targets to.`, {
      hint: 'Paste them by hand.',
    });
  }
  const inserted = insertLines(text, entry, targets);
  const list = targetsOf(document, entry);
  for (const target of targets) list.add(flowEntry(document, target));
  // Whatever form the file has: what it means afterwards is what the package says it should.
  const isRight = inserted !== null && canonicalJson(valueOf(inserted)) === canonicalJson(document.toJS());
  return isRight ? inserted : document.toString({ lineWidth: 0 });
}

/** The entries alone, to be pasted below `targets:`. */
export function targetsYaml(targets: readonly TargetEntry[]): string {
  return targets.map((target) => `- ${flowText(target)}\n`).join('');
}

function findSource(document: Document, name: string): YAMLMap | null {
  const sources = document.get('sources', true);
  if (!isSeq(sources)) return null;
  return sources.items.find((item): item is YAMLMap => isMap(item) && item.get('name') === name) ?? null;
}

/** Null when the source or its list is written in a form that lines can't be added to. */
function insertLines(text: string, entry: YAMLMap, targets: readonly TargetEntry[]): string | null {
  if (entry.flow === true) return null;
  const present = entry.get('targets', true);
  if (isSeq(present) && present.items.length > 0) {
    const [first] = present.items as Node[];
    const last = present.items.at(-1) as Node;
    const dash = first?.range == null ? null : /^[ \t]*(?=-)/.exec(lineAt(text, first.range[0]));
    if (present.flow === true || dash === null) return null;
    return insertBelow(text, last, linesOf(targets, dash[0]));
  }
  const [firstPair] = entry.items;
  const lastValue = entry.items.at(-1)?.value as Node | null | undefined;
  const key = firstPair?.key as Node | undefined;
  if (key?.range == null || lastValue == null) return null;
  const indent = ' '.repeat(key.range[0] - (text.lastIndexOf('\n', key.range[0] - 1) + 1));
  const lines = linesOf(targets, `${indent}  `);
  if (isSeq(present)) {
    if (present.range == null) return null;
    const [start, end] = present.range;
    return `${text.slice(0, start).trimEnd()}\n${lines.slice(0, -1)}${text.slice(end)}`;
  }
  return insertBelow(text, lastValue, `${indent}targets:\n${lines}`);
}

function insertBelow(text: string, node: Node, lines: string): string | null {
  if (node.range == null) return null;
  // A block ends at the beginning of a later line; a value may be followed by a comment.
  const end = text.slice(0, node.range[1]).trimEnd().length;
  const lineEnd = text.indexOf('\n', end);
  return lineEnd === -1 ? `${text}\n${lines}` : text.slice(0, lineEnd + 1) + lines + text.slice(lineEnd + 1);
}

function lineAt(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset + 1);
}

function linesOf(targets: readonly TargetEntry[], indent: string): string {
  return targets.map((target) => `${indent}- ${flowText(target)}\n`).join('');
}

function flowText(target: TargetEntry): string {
  const document = new Document(target);
  (document.contents as unknown as YAMLMap).flow = true;
  return document.toString({ lineWidth: 0 }).trim();
}

function targetsOf(document: Document, entry: YAMLMap): YAMLSeq {
  const present = entry.get('targets', true);
  if (isSeq(present)) return present;
  const created = document.createNode([]) as YAMLSeq;
  entry.set('targets', created);
  return created;
}

function flowEntry(document: Document, target: TargetEntry): YAMLMap {
  const node = document.createNode(target) as YAMLMap;
  node.flow = true;
  return node;
}

function valueOf(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? null : document.toJS();
}
