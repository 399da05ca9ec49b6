/**
 * The messages of lists, read once each: every call of a conversation goes on from the list of the
 * call before, of which all but the last messages have been read then.
 */

import { RepeatedMessage } from '../../attribution/index.ts';
import type { Message } from '../../contract/invocation.ts';
import type { PromptMessage } from '../../contract/prompt.ts';
import type { ListNode, ListReading } from '../content/message-lists.ts';
import { packedMessage } from './packed-message.ts';
import { readMessage, type TextOf } from './readable-call.ts';

// The texts are mostly remembered elsewhere too, as the same strings.
const CHARACTERS_MAX = 8 * 1024 * 1024;
/** What a message costs in each list that it is read of. */
const PLACE_CHARACTERS = 8;
const NOTHING: readonly PromptMessage[] = [];

/** A reading stays with its list, where it is found without a look-up; of those that nobody asked for in two generations it is taken away. */
export class ListReadings {
  readonly #charactersMax: number;
  #generation = 0;
  #young: ListNode[] = [];
  #old: readonly ListNode[] = [];
  #characters = 0;

  constructor(charactersMax = CHARACTERS_MAX) {
    this.#charactersMax = charactersMax;
  }

  /** As many of the list's first messages as are read of a call; null when a text of them is not at hand. */
  read(list: ListNode, textOf: TextOf): readonly PromptMessage[] | null {
    const end = list.head ?? list;
    const unread: ListNode[] = [];
    let known: ListReading | null = null;
    for (let at = end; at.parent !== null; at = at.parent) {
      known = at.reading;
      if (known !== null) {
        this.#renew(at, known);
        break;
      }
      unread.push(at);
    }
    const before = known?.messages ?? NOTHING;
    if (unread.length === 0) return before;
    const messages = before.slice();
    // The texts of the messages before are those of another reading.
    let characters = 0;
    for (let index = unread.length - 1; index >= 0; index -= 1) {
      const { json } = unread[index] as ListNode;
      const message = readMessage(packedMessage(JSON.parse(json) as Message), textOf);
      if (message === null) return null;
      messages.push(new RepeatedMessage(message));
      characters += message.content.length;
    }
    end.reading = { messages, characters: characters + messages.length * PLACE_CHARACTERS, generation: -1 };
    this.#renew(end, end.reading);
    return messages;
  }

  #renew(list: ListNode, reading: ListReading): void {
    if (reading.generation === this.#generation) return;
    reading.generation = this.#generation;
    this.#young.push(list);
    this.#characters += reading.characters;
    if (this.#characters >= this.#charactersMax) this.#nextGeneration();
  }

  #nextGeneration(): void {
    for (const list of this.#old) {
      if (list.reading !== null && list.reading.generation < this.#generation) list.reading = null;
    }
    this.#old = this.#young;
    this.#young = [];
    this.#generation += 1;
    this.#characters = 0;
  }
}
