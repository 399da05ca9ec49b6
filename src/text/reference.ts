/**
 * How something that is stored elsewhere is written inside facts and messages. A reference is a
 * string where a text would be, so that packed facts are still facts: equal texts have equal
 * references, and settling needs no content. Pure.
 *
 * The first character is U+0001, then the form, then the SHA-256. No text of a sender is ever left
 * in place when it begins with U+0001.
 */

import type { Message } from '../contract/invocation.ts';
import type { ContentHash } from '../contract/prompt.ts';

/**
 * - `t`: a text, kept in `texts`.
 * - `j`: JSON, kept there in its serialised form.
 * - `h`: only the hash was kept (content policy `hash_only`).
 * - `l`: messages, kept in `call_lists`. Stands as the only text of a message of its own, in
 *   place of the messages.
 */
export type ReferenceForm = 't' | 'j' | 'h' | 'l';

export interface Reference {
  readonly form: ReferenceForm;
  readonly hash: ContentHash;
}

/** So many characters at the beginning of a list's hash, `sha256:` among them, are the same in all lists of a conversation. */
export const LIST_CONVERSATION_CHARACTERS = 'sha256:'.length + 12;

const MARK = '\u0001';
const MARK_CODE = 1;

export function reference(form: ReferenceForm, hash: ContentHash): string {
  return MARK + form + hash;
}

/** True for any text that has to be referenced whatever its length. */
export function looksLikeReference(text: string): boolean {
  return text.charCodeAt(0) === MARK_CODE;
}

export function parseReference(text: string): Reference | null {
  if (!looksLikeReference(text)) return null;
  return { form: text.charAt(1) as ReferenceForm, hash: text.slice(2) as ContentHash };
}

/**
 * The message that stands for a list. Its role is one that no rule about instructions looks at
 * twice: instructions are never in a list.
 */
export function listMessage(hash: ContentHash): Message {
  return { role: 'user', parts: [{ type: 'text', text: reference('l', hash) }] };
}

/** The list that a message stands for, or null when it is a message. */
export function listOf(message: Message): ContentHash | null {
  const [part] = message.parts;
  if (part?.type !== 'text' || typeof part.text !== 'string') return null;
  const found = parseReference(part.text);
  return found?.form === 'l' ? found.hash : null;
}

/** Puts the messages of lists in their place; null when one of them is not at hand. */
export function expandLists(
  messages: readonly Message[],
  listAt: (hash: ContentHash) => readonly string[] | null | undefined,
): readonly Message[] | null {
  const expanded: Message[] = [];
  for (const message of messages) {
    const hash = listOf(message);
    if (hash === null) {
      expanded.push(message);
      continue;
    }
    const list = listAt(hash);
    if (list === null || list === undefined) return null;
    for (const json of list) expanded.push(JSON.parse(json) as Message);
  }
  return expanded;
}

const TEXT_REFERENCE_IN_JSON = /\\u0001[tj](sha256:[0-9a-f]{64})/g;

/** The texts that a packed message refers to, from its JSON; what only looks like a reference in a sender's text may be among them. */
export function textsReferredTo(json: string): ContentHash[] {
  return [...json.matchAll(TEXT_REFERENCE_IN_JSON)].map(([, hash]) => hash as ContentHash);
}
