/** Packed texts of a call made readable again, as far as their texts are at hand. Pure. */

import type { Invocation, MessagePart } from '../../contract/invocation.ts';
import type { ContentHash, PromptMessage } from '../../contract/prompt.ts';
import { expandLists, parseReference } from '../../text/reference.ts';

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

function isText(part: MessagePart): part is MessagePart & { type: 'text' } {
  return part.type === 'text';
}
