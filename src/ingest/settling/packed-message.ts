/**
 * A message of a list, as far as a call is read: its role and its texts, still packed. The messages
 * of a history come with every call of a conversation and are parsed once.
 */

import type { Message } from '../../contract/invocation.ts';
import type { ContentHash } from '../../contract/prompt.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import { parseReference } from '../../text/reference.ts';

export interface PackedMessage {
  readonly role: string;
  readonly texts: readonly PackedText[];
}

export interface PackedText {
  readonly packed: string;
  /** Of the stored text that stands for it; null for a text in place, and where only a hash was kept. */
  readonly stored: ContentHash | null;
}

// A packed message is about a hundred characters long, and its parsed form about five times that.
const REMEMBERED_CHARACTERS_MAX = 2 * 1024 * 1024;
const remembered = new GenerationalCache<string, PackedMessage>(REMEMBERED_CHARACTERS_MAX);

/** `json`: as the list has it; the same string each time is found fastest. */
export function packedMessageOf(json: string): PackedMessage {
  const known = remembered.get(json, json.length);
  if (known !== undefined) return known;
  const message = packedMessage(JSON.parse(json) as Message);
  remembered.set(json, message, json.length);
  return message;
}

export function packedMessage({ role, parts }: Message): PackedMessage {
  return { role, texts: parts.flatMap((part) => (part.type === 'text' ? [packedText(part.text)] : [])) };
}

export function packedText(packed: string): PackedText {
  const reference = parseReference(packed);
  return { packed, stored: reference?.form === 't' ? reference.hash : null };
}
