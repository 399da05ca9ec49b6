/** What the settler asks about a call's text, and which part of a call is its instruction. */

import type { AttributionKind, AttributionMatch } from '../../contract/attribution.ts';
import type { Invocation, Message } from '../../contract/invocation.ts';
import type { ContentHash, PromptMessage } from '../../contract/prompt.ts';
import { sha256 } from '../../lib/hash.ts';
import { listOf, parseReference } from '../../text/reference.ts';
import { isInstructing } from '../../text/roles.ts';
import { packedMessageOf } from './packed-message.ts';

/** A call whose texts are still packed, with its instruction and messages readable. */
export interface AttributableCall {
  /** Long texts in it are references; use `instruction` and `messages` for content. */
  readonly invocation: Invocation;
  /** System and developer messages, else the first user message. Null when no content was captured. */
  readonly instruction: { readonly hash: ContentHash; readonly text: string } | null;
  /** Input messages as texts, of a long conversation the first 32 behind the instructions; null when no content was captured or it is no longer at hand. */
  readonly messages: readonly PromptMessage[] | null;
  readonly template: () => string | null;
  readonly variables: () => Readonly<Record<string, string>> | null;
}

export interface AttributedAs {
  readonly kind: AttributionKind;
  readonly prompt: string | null;
  readonly version: string | null;
  readonly owner: string | null;
}

export interface AttributedCall extends AttributedAs {
  /** How its text is that version's, with what filled the variables, where that is known. */
  readonly match?: AttributionMatch | null;
}

/** Must be fast: it is called for every call. Near misses belong into a queue. */
export type AttributeCall = (call: AttributableCall) => AttributedCall;

/** What the instruction is made of: texts that are still packed, or the first user message of a list. */
export type InstructionSource =
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'list'; readonly hash: ContentHash };

export function instructionSource(input: readonly Message[] | null): InstructionSource {
  if (input === null) return { kind: 'texts', texts: [] };
  const instructions = input.filter((message) => isInstructing(message.role));
  if (instructions.length > 0) return { kind: 'texts', texts: instructions.flatMap(textsOf) };
  const firstUser = input.find((message) => message.role === 'user');
  if (firstUser === undefined) return { kind: 'texts', texts: [] };
  const hash = listOf(firstUser);
  return hash === null ? { kind: 'texts', texts: textsOf(firstUser) } : { kind: 'list', hash };
}

/** Of the messages of a list, as JSON. */
export function firstUserTexts(list: readonly string[]): readonly string[] {
  for (const json of list) {
    const { role, texts } = packedMessageOf(json);
    if (role === 'user') return texts.map(({ packed }) => packed);
  }
  return [];
}

function textsOf(message: Message): string[] {
  return message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
}

/**
 * Hash and text of the instruction. One text is hashed as it is, so that it equals the hash of the
 * registered text; several are joined by a blank line. `textOf` gives the text of a reference, or
 * undefined.
 */
export function instructionOf(
  texts: readonly string[],
  textOf: (hash: ContentHash) => string | undefined,
): { readonly hash: ContentHash; readonly text: string | null } | null {
  if (texts.length === 0) return null;
  const only = texts.length === 1 ? parseReference(texts[0] as string) : null;
  if (only !== null) return { hash: only.hash, text: textOf(only.hash) ?? null };
  const whole: string[] = [];
  for (const text of texts) {
    const reference = parseReference(text);
    const resolved = reference === null ? text : textOf(reference.hash);
    // Without all texts the hash of the whole can't be known; that of the references is as stable.
    if (resolved === undefined) return { hash: sha256(texts.join('\n\n')), text: null };
    whole.push(resolved);
  }
  const text = whole.join('\n\n');
  return { hash: sha256(text), text };
}
