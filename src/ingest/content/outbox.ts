/**
 * The new texts, message lists and variables that one write carries. They count as stored only when that
 * write is durable: until then another write that meets them carries them too, so that a refused
 * write can't take somebody else's text with it.
 */

import { GrowingBuffer } from '../../lib/growing-buffer.ts';
import { listRow, type ListNode } from './message-lists.ts';
import type { StoredText } from './texts.ts';
import type { StoredVariables, VariablesRow } from './variables.ts';

export class Outbox {
  readonly #texts: StoredText[] = [];
  readonly #lists: ListNode[] = [];
  /** What it carries points here, and not at its lines: texts are remembered for much longer than they. */
  readonly #claim: object = {};
  readonly #variables: StoredVariables[] = [];
  /** Rows of the table `texts`. */
  readonly textLines = new GrowingBuffer();
  /** Rows of the table `message_lists`. */
  readonly listLines = new GrowingBuffer();
  /** Rows of the table `variables`. */
  readonly variableLines = new GrowingBuffer();

  readonly addText = (text: StoredText): void => {
    if (text.isStored || text.claimedBy === this.#claim) return;
    text.claimedBy = this.#claim;
    this.#texts.push(text);
    this.textLines.add(`{"hash":"${text.hash}","content":${JSON.stringify(text.text)}}\n`);
  };

  addList(node: ListNode): void {
    if (node.isStored || node.claimedBy === this.#claim) return;
    const { row, baseDepth } = listRow(node, this.#claim);
    node.claimedBy = this.#claim;
    node.baseDepth = baseDepth;
    this.#lists.push(node);
    this.listLines.add(`${JSON.stringify(row)}\n`);
  }

  /** Whether the list, and all that its messages refer to, is stored, or will be with what this carries. */
  covers(node: ListNode): boolean {
    return node.isStored || node.claimedBy === this.#claim;
  }

  addVariables(variables: StoredVariables, row: () => VariablesRow): void {
    if (variables.isStored || variables.claimedBy === this.#claim) return;
    variables.claimedBy = this.#claim;
    this.#variables.push(variables);
    this.variableLines.add(`${JSON.stringify(row())}\n`);
  }

  /** To be called when nobody needs the lines any more. */
  release(): void {
    for (const lines of [this.textLines, this.listLines, this.variableLines]) lines.clear();
  }

  /** To be called when what it carried is durable. */
  markStored(): void {
    for (const text of this.#texts) text.isStored = true;
    for (const node of this.#lists) node.isStored = true;
    for (const variables of this.#variables) variables.isStored = true;
  }
}
