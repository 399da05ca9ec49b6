/**
 * Texts and lists of requests that were packed in another thread, for whoever settles their calls here. What is
 * forgotten is read from the store.
 */

import type { ContentHash } from '../../contract/prompt.ts';
import { PrintedCache } from '../../lib/printed-cache.ts';
import { printOfHash } from '../../lib/printed-table.ts';
import { LIST_CHARACTERS_MAX, MessageLists, type ListNode, type MessageListRow } from './message-lists.ts';

interface TextRow {
  readonly hash: ContentHash;
  readonly content: string;
}

const NEWLINE = 10;
// A list comes as what it adds to an earlier one: what whoever packs them remembers must be remembered here as well.
const MORE_THAN_THERE = 1.25;

function lengthOf(text: string): number {
  return text.length;
}

export class ReceivedContent {
  readonly #texts: PrintedCache<string>;
  readonly #lists = new MessageLists(LIST_CHARACTERS_MAX * MORE_THAN_THERE);

  constructor(rememberedCharactersMax: number) {
    this.#texts = new PrintedCache(rememberedCharactersMax, printOfHash);
  }

  addText(hash: ContentHash, text: string): void {
    this.#texts.set(hash, text, text.length);
  }

  /** Rows of `call_texts`. */
  addTexts(lines: Buffer): void {
    for (const { hash, content } of rowsIn<TextRow>(lines)) this.addText(hash, content);
  }

  /** Rows of `call_lists`, in the order in which they were made. */
  addLists(lines: Buffer): void {
    for (const { base, messages } of rowsIn<MessageListRow>(lines)) {
      const from = base === '' ? undefined : this.#lists.at(base);
      // One whose base is forgotten is read from the store, and so is what goes on from it.
      if (base === '' || from !== undefined) this.#lists.find(messages, from);
    }
  }

  textOf(hash: ContentHash): string | undefined {
    return this.#texts.get(hash, lengthOf);
  }

  listAt(hash: ContentHash): ListNode | undefined {
    return this.#lists.at(hash);
  }
}

function* rowsIn<Row>(lines: Buffer): Generator<Row> {
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(NEWLINE, start);
    yield JSON.parse(lines.toString('utf8', start, end)) as Row;
    start = end + 1;
  }
}
