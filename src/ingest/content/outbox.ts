/**
 * The new texts and message lists that one write carries. They count as stored only when that
 * write is durable: until then another write that meets them carries them too, so that a refused
 * write can't take somebody else's text with it.
 */

import { listRow, type ListNode } from './message-lists.ts';
import type { StoredText } from './texts.ts';

export class Outbox {
  readonly #texts: StoredText[] = [];
  readonly #lists: { readonly node: ListNode; readonly baseDepth: number }[] = [];
  #textLines = '';
  #listLines = '';

  readonly addText = (text: StoredText): void => {
    if (text.isStored || text.claimedBy === this) return;
    text.claimedBy = this;
    this.#texts.push(text);
    this.#textLines += `{"hash":"${text.hash}","content":${JSON.stringify(text.text)}}\n`;
  };

  addList(node: ListNode): void {
    if (node.isStored || node.claimedBy === this) return;
    node.claimedBy = this;
    const { row, baseDepth } = listRow(node);
    this.#lists.push({ node, baseDepth });
    this.#listLines += `${JSON.stringify(row)}\n`;
  }

  /** Rows of the table `texts`. */
  get textLines(): string {
    return this.#textLines;
  }

  /** Rows of the table `message_lists`. */
  get listLines(): string {
    return this.#listLines;
  }

  /** To be called when what it carried is durable. */
  markStored(): void {
    for (const text of this.#texts) text.isStored = true;
    for (const { node, baseDepth } of this.#lists) {
      node.isStored = true;
      node.baseDepth = baseDepth;
    }
  }
}
