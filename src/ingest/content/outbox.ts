/**
 * The new texts, message lists and variables that one write carries. They count as stored only when that
 * write is durable: until then another write that meets them carries them too, so that a refused
 * write can't take somebody else's text with it.
 */

import { GrowingBuffer } from '../../lib/growing-buffer.ts';
import type { Timestamp } from '../../contract/time.ts';
import { DAY_MS, millisFromTimestamp } from '../../lib/time.ts';
import { listRow, type ListNode } from './message-lists.ts';
import type { StoredText } from './texts.ts';
import type { StoredVariables, VariablesRow } from './variables.ts';

/** What is stored once, whoever refers to it. */
export interface Storable {
  /** The last period in which it was stored, see `STORED_AGAIN_MS`; or `NEVER_STORED`, or `NOTHING_TO_STORE`. */
  storedIn: number;
  /** Which writer has it in hand. */
  claimedBy: object | null;
}

export const NEVER_STORED = 0;
/** After all of them, and still a small integer. */
export const NOTHING_TO_STORE = 2 ** 30 - 1;

/**
 * What is known to be stored is stored again after so long: the store lets go of what nobody stored for much longer
 * than that, see `src/store/telemetry/retention.ts`, and what calls of today refer to must not be of last year.
 */
export const STORED_AGAIN_MS = 7 * DAY_MS;

export class Outbox {
  /** In which period of `STORED_AGAIN_MS` it is written. */
  readonly #period: number;
  readonly #texts: StoredText[] = [];
  readonly #lists: ListNode[] = [];
  /** What it carries points here, and not at its lines: texts are remembered for much longer than they. */
  readonly #claim: object = {};
  readonly #variables: StoredVariables[] = [];
  /** Texts that were referred to and may not be stored. */
  readonly unstorable = new Set<StoredText>();
  /** Rows of the table `call_texts`. */
  readonly textLines = new GrowingBuffer();
  /** Rows of the table `call_lists`. */
  readonly listLines = new GrowingBuffer();
  /** Rows of the table `call_variables`. */
  readonly variableLines = new GrowingBuffer();

  constructor(now: Timestamp) {
    this.#period = Math.floor(millisFromTimestamp(now) / STORED_AGAIN_MS);
  }

  /** Whether it need not be stored, or is stored, or will be with what this carries. */
  readonly has = (content: Storable): boolean => content.storedIn >= this.#period || content.claimedBy === this.#claim;

  readonly addText = (text: StoredText): void => {
    if (!text.mayBeStored) this.unstorable.add(text);
    if (this.has(text)) return;
    text.claimedBy = this.#claim;
    this.#texts.push(text);
    this.textLines.add(`{"hash":"${text.hash}","content":${JSON.stringify(text.text)}}\n`);
  };

  addList(node: ListNode): void {
    if (this.has(node)) return;
    const { row, baseDepth } = listRow(node, this.has);
    node.claimedBy = this.#claim;
    node.baseDepth = baseDepth;
    this.#lists.push(node);
    this.listLines.add(`${JSON.stringify(row)}\n`);
  }

  addVariables(variables: StoredVariables, row: () => VariablesRow): void {
    if (this.has(variables)) return;
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
    for (const all of [this.#texts, this.#lists, this.#variables]) {
      for (const each of all) each.storedIn = this.#period;
    }
  }
}
