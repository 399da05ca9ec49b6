/**
 * From one call to its row: its texts, what it is attributed to, what it costs. In memory only; what is no longer
 * there is said to be missing, and supplied.
 */

import { hash as digest } from 'node:crypto';
import type { Invocation } from '../../contract/invocation.ts';
import type { PriceCall } from '../../contract/invocation-log.ts';
import type { ContentHash, PromptMessage } from '../../contract/prompt.ts';
import type { Timestamp } from '../../contract/time.ts';
import { GrowingBuffer } from '../../lib/growing-buffer.ts';
import { parseReference } from '../../text/reference.ts';
import type { ContentSpace, ContentSpaces } from '../content/content-space.ts';
import { BEGINNING_MESSAGES, beginningOf } from '../content/message-lists.ts';
import { Outbox } from '../content/outbox.ts';
import {
  firstUserTexts,
  instructionOf,
  instructionSource,
  type AttributableCall,
  type AttributedAs,
  type AttributeCall,
} from './attribution.ts';
import { rowBeginning, rowEnd, tombstoneLine } from './invocation-rows.ts';
import type { ListReadings } from './list-readings.ts';
import { packedMessageOf } from './packed-message.ts';
import type { RepricedPeriods } from './repriced-periods.ts';
import { callMessages, eachTextToRead, listsOf, readMessage, unpackText, unpackVariables } from './readable-call.ts';
import { LARGE_TRACE_FACTS, type TraceState } from './trace-state.ts';
import { identityIn, pricedBefore, type Written } from './written.ts';

export interface CallRowsOptions {
  readonly spaces: ContentSpaces;
  readonly readings: ListReadings;
  readonly attribute: AttributeCall;
  readonly price: PriceCall;
  readonly repriced: RepricedPeriods;
}

/** Under what the rows of a round are known. */
export interface Stamp {
  readonly now: Timestamp;
  /** Grows with every call. */
  readonly nextRevision: () => bigint;
  /** About so many bytes of rows; those of the round before. */
  readonly expectedBytes: number;
}

export interface RowCounts {
  readonly created: number;
  readonly changed: number;
  readonly deleted: number;
}

/** Short, as one is kept of every call in memory. */
function printOf(content: string | Uint8Array): string {
  return digest('sha1', content, 'hex').slice(0, 16);
}

/** Where rows were at some time, to go back to. */
export interface Place {
  readonly length: number;
  readonly counts: RowCounts;
}

export class CallRows {
  readonly outbox: Outbox;
  readonly #options: CallRowsOptions;
  readonly #stamp: Stamp;
  readonly #fetched = new Map<ContentHash, string>();
  readonly #fetchedLists = new Map<ContentHash, readonly string[]>();
  readonly #lines: GrowingBuffer;
  readonly #counts = { created: 0, changed: 0, deleted: 0 };
  #lastAttributed: AttributedAs | null = null;

  constructor(options: CallRowsOptions, stamp: Stamp) {
    this.#options = options;
    this.#stamp = stamp;
    this.outbox = new Outbox(stamp.now);
    this.#lines = new GrowingBuffer(stamp.expectedBytes);
  }

  /** Rows of `invocations`. */
  get lines(): Buffer {
    return this.#lines.bytes;
  }

  get counts(): RowCounts {
    return this.#counts;
  }

  get place(): Place {
    return { length: this.#lines.length, counts: { ...this.#counts } };
  }

  /** As if what was added since had not been. */
  backTo({ length, counts }: Place): void {
    this.#lines.truncate(length);
    Object.assign(this.#counts, counts);
  }

  /** To be called at the end, whatever became of the rows. */
  release(): void {
    this.#lines.clear();
    this.outbox.release();
  }

  /** Lists of the call that are no longer in memory: it is attributed by all that it says. */
  missingLists(call: Invocation): ContentHash[] {
    return listsOf(call).filter((hash) => !this.#hasList(hash));
  }

  supplyLists(lists: ReadonlyMap<string, readonly string[]>): void {
    for (const [hash, list] of lists) this.#fetchedLists.set(hash as ContentHash, list.slice(0, BEGINNING_MESSAGES));
  }

  /** Texts that are no longer in memory. To be asked for when the lists are there. */
  missingTexts(call: Invocation): ContentHash[] {
    const space = this.#options.spaces.for(call.environment);
    const lacking: ContentHash[] = [];
    eachTextToRead(call, this.#beginningAt, (hash) => {
      if (this.#textOf(hash, space) === undefined) lacking.push(hash);
    });
    return lacking;
  }

  supplyTexts(texts: ReadonlyMap<ContentHash, string>): void {
    for (const [hash, text] of texts) this.#fetched.set(hash, text);
  }

  /** The call is none any more. */
  takeBack(known: Written): void {
    this.#addTombstone(known);
    this.#counts.deleted += 1;
  }

  /**
   * Returns what is then known to be in the store; null, and nothing is added, when something that it says is not at
   * hand. Without `mayLack` that is left out.
   */
  add(call: Invocation, trace: TraceState, before: Written | undefined, mayLack: boolean): Written | null {
    const madeOf = trace.facts.length < LARGE_TRACE_FACTS ? null : printOf(JSON.stringify(call));
    if (madeOf !== null && before?.madeOf === madeOf && !this.#options.repriced.has(call.startedAt)) return before;
    const space = this.#options.spaces.for(call.environment);
    const messages = this.#messagesOf(call, space);
    const lacksAnything = this.#lacksAnything(call, messages);
    if (mayLack && lacksAnything) return null;
    // Another start is another place in the table: the old row has to go.
    if (before !== undefined && before.startedAt !== call.startedAt) this.#addTombstone(before);
    return this.#addRow(call, messages, trace, before, lacksAnything ? null : madeOf);
  }

  #addTombstone(known: Written): void {
    this.#lines.add(tombstoneLine(known, this.#stamp.now, this.#stamp.nextRevision()));
  }

  #lacksAnything(call: Invocation, messages: readonly PromptMessage[] | null): boolean {
    if (messages !== null && call.template === null && call.variables === null) return false;
    return this.missingLists(call).length > 0 || this.missingTexts(call).length > 0;
  }

  #messagesOf(call: Invocation, space: ContentSpace): readonly PromptMessage[] | null {
    const textOf = (hash: ContentHash): string | undefined => this.#textOf(hash, space);
    return callMessages(call, textOf, (hash) => {
      const list = this.#options.spaces.listAt(hash);
      if (list !== undefined) return this.#options.readings.read(list, textOf);
      const messages = this.#fetchedLists.get(hash)?.map((json) => readMessage(packedMessageOf(json), textOf));
      return messages === undefined || messages.includes(null) ? null : (messages as PromptMessage[]);
    });
  }

  #addRow(
    call: Invocation,
    messages: readonly PromptMessage[] | null,
    trace: TraceState,
    before: Written | undefined,
    madeOf: Written['madeOf'],
  ): Written {
    const space = this.#options.spaces.for(call.environment);
    const instruction = this.#instruction(call, space);
    const attributable = this.#attributable(call, messages, instruction, space);
    // Texts that were not kept can't be asked about again: what was said of them when they were here stands.
    const standing = before !== undefined && call.input !== null && messages === null ? before : undefined;
    const { attributed, variablesHash } = standing ?? this.#attribute(attributable, space);
    const priced = this.#options.repriced.has(call.startedAt) ? null : pricedBefore(call, before);
    const price = priced === null ? this.#options.price(call) : priced.price;
    const start = this.#lines.length;
    const promptHash = (standing?.promptHash || instruction?.hash || null) as ContentHash | null;
    const contentHash = this.#addRowBeginning(rowBeginning(call, promptHash ?? '', variablesHash, attributed, price));
    if (before?.contentHash === contentHash && before.startedAt === call.startedAt) {
      this.#lines.truncate(start);
      return madeOf === null ? before : { ...before, madeOf };
    }
    const { now, nextRevision } = this.#stamp;
    // What the time machine may say was known at a time: since the call counts for a prompt, or its text is known,
    // not since the last correction, which a text that comes later is.
    const counted =
      before !== undefined && (before.promptHash === (promptHash ?? '') || before.attributed.prompt !== null);
    const ingestedAt = counted ? before.ingestedAt : now;
    this.#lines.add(rowEnd(contentHash, ingestedAt, nextRevision()));
    this.#counts[before === undefined ? 'created' : 'changed'] += 1;
    return {
      ...identityIn(trace, call),
      ingestedAt,
      promptHash: promptHash ?? '',
      variablesHash,
      contentHash,
      attributed,
      priced,
      madeOf,
    };
  }

  /** Returns its hash: equal when nothing that is stored has changed. */
  #addRowBeginning(json: string): string {
    const start = this.#lines.length;
    this.#lines.add(json);
    return printOf(this.#lines.bytes.subarray(start));
  }

  #attribute(call: AttributableCall, space: ContentSpace): Pick<Written, 'attributed' | 'variablesHash'> {
    const answer = this.#options.attribute(call);
    const variablesHash = answer.match == null ? '' : space.variables.keep(answer.match, this.outbox);
    return { attributed: this.#attributedAs(answer), variablesHash };
  }

  /** Without the match, which holds the whole text. Calls that follow one another are often of one version. */
  #attributedAs({ kind, prompt, version, owner }: AttributedAs): AttributedAs {
    const last = this.#lastAttributed;
    if (last?.kind === kind && last.prompt === prompt && last.version === version && last.owner === owner) return last;
    this.#lastAttributed = { kind, prompt, version, owner };
    return this.#lastAttributed;
  }

  #instruction(call: Invocation, space: ContentSpace): { hash: ContentHash; text: string | null } | null {
    const texts = this.#instructionTexts(call);
    const instruction = instructionOf(texts, (hash) => this.#textOf(hash, space));
    if (instruction?.text != null && (texts.length > 1 || parseReference(texts[0] as string) === null)) {
      // The text exists only in pieces or inside a message: the time machine needs it by its hash.
      this.outbox.addText(space.texts.remember(instruction.text));
    }
    return instruction;
  }

  #attributable(
    invocation: Invocation,
    messages: readonly PromptMessage[] | null,
    instruction: { hash: ContentHash; text: string | null } | null,
    space: ContentSpace,
  ): AttributableCall {
    const textOf = (hash: ContentHash): string | undefined => this.#textOf(hash, space);
    const text = instruction?.text ?? null;
    return {
      invocation,
      instruction: instruction === null || text === null ? null : { hash: instruction.hash, text },
      messages,
      template: () => (invocation.template === null ? null : unpackText(invocation.template, textOf)),
      variables: () => unpackVariables(invocation.variables, textOf),
    };
  }

  #instructionTexts(call: Invocation): readonly string[] {
    const source = instructionSource(call.input);
    return source.kind === 'texts' ? source.texts : firstUserTexts(this.#beginningAt(source.hash) ?? []);
  }

  #hasList(hash: ContentHash): boolean {
    return this.#options.spaces.listAt(hash) !== undefined || this.#fetchedLists.has(hash);
  }

  readonly #beginningAt = (hash: ContentHash): readonly string[] | null => {
    const list = this.#options.spaces.listAt(hash);
    return list === undefined ? (this.#fetchedLists.get(hash) ?? null) : beginningOf(list);
  };

  #textOf(hash: ContentHash, space: ContentSpace): string | undefined {
    return this.#options.spaces.textOf(hash, space) ?? this.#fetched.get(hash);
  }
}
