/**
 * The messages of lists, read once each: every call of a conversation goes on from the list of the
 * call before, of which all but the last messages have been read then.
 */

import { RepeatedMessage } from '../../attribution/index.ts';
import type { Message } from '../../contract/invocation.ts';
import type { PromptMessage } from '../../contract/prompt.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import type { ListNode } from '../content/message-lists.ts';
import { packedMessage } from './packed-message.ts';
import { readMessage, type TextOf } from './readable-call.ts';

interface Reading {
  readonly messages: readonly PromptMessage[];
  /** Of all of them. */
  readonly characters: number;
}

// The texts are mostly remembered elsewhere too, as the same strings.
const CHARACTERS_MAX = 8 * 1024 * 1024;
/** What a message costs in each list that it is read of. */
const PLACE_CHARACTERS = 8;
const NOTHING: Reading = { messages: [], characters: 0 };

export class ListReadings {
  readonly #byList = new GenerationalCache<ListNode, Reading>(CHARACTERS_MAX);

  /** As many of the list's first messages as are read of a call; null when a text of them is not at hand. */
  read(list: ListNode, textOf: TextOf): readonly PromptMessage[] | null {
    const end = list.head ?? list;
    const unread: ListNode[] = [];
    let known: Reading | undefined;
    let at = end;
    for (; at.parent !== null; at = at.parent) {
      known = this.#byList.get(at, weightOf);
      if (known !== undefined) break;
      unread.push(at);
    }
    const { messages: before, characters: charactersBefore } = known ?? NOTHING;
    if (unread.length === 0) return before;
    const messages = [...before];
    let characters = charactersBefore;
    for (const node of unread.toReversed()) {
      const message = readMessage(packedMessage(JSON.parse(node.json) as Message), textOf);
      if (message === null) return null;
      messages.push(new RepeatedMessage(message));
      characters += message.content.length;
    }
    // The texts of the messages before are those of another reading.
    this.#byList.set(end, { messages, characters }, characters - charactersBefore + placesOf(messages));
    return messages;
  }
}

function weightOf({ messages, characters }: Reading): number {
  return characters + placesOf(messages);
}

function placesOf({ length }: readonly PromptMessage[]): number {
  return length * PLACE_CHARACTERS;
}
