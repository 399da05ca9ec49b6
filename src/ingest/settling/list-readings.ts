/**
 * The messages of lists, read once each: every call of a conversation goes on from the list of the
 * call before, of which all but the last messages have been read then.
 */

import type { PromptMessage } from '../../contract/prompt.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import type { ListNode } from '../content/message-lists.ts';
import { packedMessageOf } from './packed-message.ts';
import { readMessage, type TextOf } from './readable-call.ts';

// The texts are mostly remembered elsewhere too, as the same strings.
const CHARACTERS_MAX = 8 * 1024 * 1024;

export class ListReadings {
  readonly #byNode = new GenerationalCache<ListNode, PromptMessage>(CHARACTERS_MAX);

  /** As many of the list's first messages as are read of a call; null when a text of them is not at hand. */
  read(list: ListNode, textOf: TextOf): readonly PromptMessage[] | null {
    const messages: PromptMessage[] = [];
    for (let at = list.head ?? list; at.parent !== null; at = at.parent) {
      const message = this.#messageAt(at, textOf);
      if (message === null) return null;
      messages.push(message);
    }
    return messages.toReversed();
  }

  #messageAt(node: ListNode, textOf: TextOf): PromptMessage | null {
    const known = this.#byNode.get(node, ({ content }) => node.json.length + content.length);
    if (known !== undefined) return known;
    const message = readMessage(packedMessageOf(node.json), textOf);
    if (message !== null) this.#byNode.set(node, message, node.json.length + message.content.length);
    return message;
  }
}
