/** A prompt in a text: all of it, or a field of the YAML or JSON in it. Reads it, and replaces it without touching the rest. Pure. */

import { parseDocument } from 'yaml';
import { Fault } from '../../src/contract/fault.ts';
import type { PromptBody } from '../../src/contract/prompt.ts';
import type { LiveContent, Reading } from '../../src/contract/source.ts';
import { keysAt, parseJsonPath, valueAt, type JsonPath } from '../../src/lib/json-path.ts';
import { textBody } from '../../src/text/body.ts';
import { bodyFrom, bodyValue, singleText } from './chat.ts';

type FieldAnswer =
  | { readonly outcome: 'held'; readonly body: PromptBody }
  | { readonly outcome: 'absent' }
  /** The text is no YAML or JSON, or the field holds something that is no prompt. */
  | { readonly outcome: 'unreadable'; readonly reason: string };

const ALIASES_MAX = 100;

/** YAML 1.2 reads JSON too, so one parser serves both. */
function parse(text: string): { readonly value: unknown; readonly problem: string | null } {
  const document = parseDocument(text, { prettyErrors: true, logLevel: 'silent', stringKeys: true });
  const [error] = document.errors;
  if (error !== undefined) return { value: null, problem: (error.message.split('\n')[0] ?? '').replace(/:$/, '') };
  try {
    return { value: document.toJS({ maxAliasCount: ALIASES_MAX }), problem: null };
  } catch (problem) {
    return { value: null, problem: problem instanceof Error ? problem.message : String(problem) };
  }
}

function readField(text: string, path: JsonPath): FieldAnswer {
  const { value, problem } = parse(text);
  if (problem !== null) return { outcome: 'unreadable', reason: `It is not readable as YAML or JSON: ${problem}.` };
  const found = valueAt(value, path);
  if (found === undefined || found === null) return { outcome: 'absent' };
  const body = bodyFrom(found);
  if (body !== null) return { outcome: 'held', body };
  return { outcome: 'unreadable', reason: 'The field holds neither a text nor messages of role and content.' };
}

/** The whole text with the field replaced; comments and order of YAML stay. Null when the field has no place in it. */
function replaceField(text: string, path: JsonPath, body: PromptBody, isJson: boolean): string | null {
  const { value, problem } = parse(text);
  const keys = problem === null ? keysAt(value, path) : null;
  if (keys === null || keys.length === 0) return null;
  if (isJson) return replaceInJson(text, keys, body);
  const document = parseDocument(text, { stringKeys: true });
  document.setIn(keys, document.createNode(bodyValue(body)));
  // Without folding: a long line of a prompt must come back as the one line it is.
  return document.toString({ lineWidth: 0 });
}

function replaceInJson(text: string, keys: readonly (string | number)[], body: PromptBody): string {
  const root = JSON.parse(text) as Record<string | number, unknown>;
  const last = keys.at(-1) ?? '';
  let parent = root;
  for (const key of keys.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  parent[last] = bodyValue(body);
  const indent = /\n([ \t]+)\S/.exec(text)?.[1];
  return JSON.stringify(root, null, indent) + (text.endsWith('\n') ? '\n' : '');
}

/** The prompt in a text, or why it is not there. `more`: what else is known of the place that holds the text. */
export function readingOfText(
  target: string,
  place: string,
  text: string,
  field: string | undefined,
  more: Omit<LiveContent, 'body'> = {},
): Exclude<Reading, { outcome: 'unchanged' }> {
  const answer: FieldAnswer =
    field === undefined ? { outcome: 'held', body: textBody(text) } : readField(text, parseJsonPath(field));
  if (answer.outcome === 'held') return { outcome: 'held', target, contents: [{ body: answer.body, ...more }] };
  if (answer.outcome === 'absent') return { outcome: 'missing', target, reason: `${place} has no ${field}.` };
  return { outcome: 'unreachable', target, reason: `${place}: ${answer.reason}` };
}

/** The text with another prompt in it. `before`: null when there is no text yet. Throws a `Fault` when the field has no place. */
export function textWith(place: string, before: string | null, field: string | undefined, body: PromptBody): string {
  if (field === undefined) return singleText(body, place);
  const isJson = before?.trimStart().startsWith('{') === true || before?.trimStart().startsWith('[') === true;
  const text = before === null ? null : replaceField(before, parseJsonPath(field), body, isJson);
  if (text === null) throw new Fault('permanent', `${place} has no place for ${field}.`);
  return text;
}
