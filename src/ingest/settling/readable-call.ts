/** Packed texts of a call made readable again, as far as their texts are at hand. Pure. */

import type { Invocation, MessagePart } from '../../contract/invocation.ts';
import type { ContentHash, PromptMessage } from '../../contract/prompt.ts';
import { expandLists, listOf, parseReference } from '../../text/reference.ts';

export type TextOf = (hash: ContentHash) => string | undefined;

/** Null when the text is not at hand. */
export function unpackText(packed: string, textOf: TextOf): string | null {
  const reference = parseReference(packed);
  return reference === null ? packed : (textOf(reference.hash) ?? null);
}

export function unpackVariables(
  variables: Invocation['variables'],
  textOf: TextOf,
): Readonly<Record<string, string>> | null {
  if (variables === null) return null;
  const unpacked: Record<string, string> = {};
  for (const [name, packed] of Object.entries(variables)) {
    const text = unpackText(packed, textOf);
    if (text === null) return null;
    unpacked[name] = text;
  }
  return unpacked;
}

// A registered chat stands at the beginning; what comes behind so many messages is conversation, and
// reading all of it for every call would cost more than everything else.
const LIST_MESSAGES_MAX = 32;

/** The text parts of the input messages, of a long conversation only the first ones. Null when there is no content, or a part of it is not at hand. */
export function callMessages(
  call: Invocation,
  textOf: TextOf,
  listAt: (hash: ContentHash) => readonly string[] | null | undefined,
): readonly PromptMessage[] | null {
  const input =
    call.input === null ? null : expandLists(call.input, (hash) => listAt(hash)?.slice(0, LIST_MESSAGES_MAX));
  if (input === null) return null;
  const messages: PromptMessage[] = [];
  for (const message of input) {
    const texts = message.parts.filter(isText).map((part) => unpackText(part.text, textOf));
    if (texts.includes(null)) return null;
    messages.push({ role: message.role, content: texts.join('\n') });
  }
  return messages;
}

/** The lists that a call's messages are in. */
export function listsOf(call: Invocation): readonly ContentHash[] {
  return (call.input ?? []).flatMap((message) => listOf(message) ?? []);
}

/** The stored texts without which a call can't be read: of its messages, as far as they are read, its template and its variables. */
export function textsToRead(
  call: Invocation,
  listAt: (hash: ContentHash) => readonly string[] | null | undefined,
): readonly ContentHash[] {
  const found: ContentHash[] = [];
  const note = (packed: string): void => {
    const reference = parseReference(packed);
    if (reference?.form === 't') found.push(reference.hash);
  };
  for (const message of call.input ?? []) {
    const list = listOf(message);
    if (list === null) for (const part of message.parts.filter(isText)) note(part.text);
    else for (const json of listAt(list)?.slice(0, LIST_MESSAGES_MAX) ?? []) found.push(...referencesIn(json));
  }
  if (call.template !== null) note(call.template);
  if (call.variables !== null) Object.values(call.variables).forEach(note);
  return found;
}

/** Asked for every message of every call: looking for them is much cheaper than parsing. */
function referencesIn(json: string): ContentHash[] {
  if (!json.includes(JSON_MARK)) return [];
  return [...json.matchAll(JSON_REFERENCE)].map(([, hash]) => hash as ContentHash);
}

/** As `text/reference.ts` writes a text's reference, inside JSON. */
const JSON_MARK = '\\u0001t';
const JSON_REFERENCE = /\\u0001t(sha256:[0-9a-f]{64})/g;

function isText(part: MessagePart): part is MessagePart & { type: 'text' } {
  return part.type === 'text';
}
