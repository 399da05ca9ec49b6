/** Packed texts of a call made readable again, as far as their texts are at hand. Pure. */

import type { Invocation, Message } from '../../contract/invocation.ts';
import type { ContentHash, PromptMessage } from '../../contract/prompt.ts';
import { listOf, parseReference } from '../../text/reference.ts';
import { packedMessage, packedMessageOf, packedText, type PackedMessage, type PackedText } from './packed-message.ts';

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

/** The beginning of a list's packed messages as JSON; null when it is not at hand. */
export type BeginningAt = (hash: ContentHash) => readonly string[] | null;

/** The messages of a list as far as they are read; null when one of them is not at hand. */
export type ReadList = (hash: ContentHash) => readonly PromptMessage[] | null;

/**
 * The text parts of the input messages, of a long conversation only the first ones: a registered
 * chat stands at the beginning, and reading all that follows would cost more than everything else.
 * Null when there is no content, or a part of it is not at hand.
 */
export function callMessages(call: Invocation, textOf: TextOf, readList: ReadList): readonly PromptMessage[] | null {
  return throughInput(call, (message) => readMessage(packedMessage(message), textOf), readList);
}

/** What each message is made into, those of lists in their place; null when there are none, or one can't be made. */
function throughInput<Made>(
  { input }: Invocation,
  ofMessage: (message: Message) => Made | null,
  ofList: (hash: ContentHash) => readonly Made[] | null,
): readonly Made[] | null {
  if (input === null) return null;
  const all: Made[] = [];
  for (const message of input) {
    const list = listOf(message);
    if (list === null) {
      const made = ofMessage(message);
      if (made === null) return null;
      all.push(made);
      continue;
    }
    const made = ofList(list);
    if (made === null) return null;
    all.push(...made);
  }
  return all;
}

/** Null when a text of it is not at hand. */
export function readMessage({ role, texts }: PackedMessage, textOf: TextOf): PromptMessage | null {
  let content: string | null = null;
  for (const text of texts) {
    const unpacked = unpack(text, textOf);
    if (unpacked === null) return null;
    content = content === null ? unpacked : `${content}\n${unpacked}`;
  }
  return { role, content: content ?? '' };
}

function unpack({ packed, stored }: PackedText, textOf: TextOf): string | null {
  return stored === null ? unpackText(packed, textOf) : (textOf(stored) ?? null);
}

/** The lists that a call's messages are in. */
export function listsOf(call: Invocation): readonly ContentHash[] {
  return (call.input ?? []).flatMap((message) => listOf(message) ?? []);
}

/** Tells of each stored text without which a call can't be read: of its messages, as far as they are read, its template and its variables. */
export function eachTextToRead(call: Invocation, beginningAt: BeginningAt, tell: (hash: ContentHash) => void): void {
  const note = ({ stored }: PackedText): void => {
    if (stored !== null) tell(stored);
  };
  const packed = throughInput(
    call,
    packedMessage,
    (list) => beginningAt(list)?.map((json) => packedMessageOf(json)) ?? null,
  );
  for (const message of packed ?? []) message.texts.forEach(note);
  if (call.template !== null) note(packedText(call.template));
  if (call.variables !== null) for (const value of Object.values(call.variables)) note(packedText(value));
}
