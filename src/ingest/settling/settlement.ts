/**
 * One round of settling: the facts of some traces become invocations, and what differs from the
 * store becomes rows. In memory only; the settler reads before and writes after.
 */

import { hash as digest } from 'node:crypto';
import type { Invocation } from '../../contract/invocation.ts';
import type { PriceCall } from '../../contract/invocation-log.ts';
import type { ContentHash, PromptMessage } from '../../contract/prompt.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Settled } from '../../invocations/settled.ts';
import type { ContentSpace, ContentSpaces } from '../content/content-space.ts';
import { GrowingBuffer } from '../../lib/growing-buffer.ts';
import { readFacts } from '../content/fact-rows.ts';
import { BEGINNING_MESSAGES, beginningOf } from '../content/message-lists.ts';
import { Outbox } from '../content/outbox.ts';
import { parseReference } from '../../text/reference.ts';
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
import { callKey, differenceOf, rememberParents, surroundingsOf } from './surroundings.ts';
import type { TraceState } from './trace-window.ts';
import { bySpan, identityIn, ownersAmong, pricedBefore, type Written } from './written.ts';

export interface SettlementOptions {
  readonly settle: (facts: readonly SpanFacts[]) => Settled;
  readonly spaces: ContentSpaces;
  readonly readings: ListReadings;
  readonly attribute: AttributeCall;
  readonly price: PriceCall;
  readonly repriced: RepricedPeriods;
}

/** What came of one group of traces that are settled together. */
interface SettledGroup {
  readonly traces: readonly TraceState[];
  readonly calls: readonly ReadCall[];
  /** Which other calls are none any more; null for all. */
  readonly gone: ReadonlySet<string> | null;
}

interface ReadCall {
  readonly call: Invocation;
  /** Its messages as far as they are read; null when there are none, or they are not at hand. */
  readonly messages: readonly PromptMessage[] | null;
}

/** What is in the store of a trace once the round is written. */
interface Change {
  readonly trace: TraceState;
  readonly written: readonly Written[];
  /** Of so many facts. */
  readonly facts: number;
}

/** Under what the rows of a round are known. */
export interface Stamp {
  readonly now: Timestamp;
  /** Grows with every call. */
  readonly nextRevision: () => bigint;
  /** About so many bytes of rows; those of the round before. */
  readonly expectedBytes: number;
}

export interface SettlementRows {
  /** Rows of texts and variables, which the others refer to. */
  readonly outbox: Outbox;
  /** Rows of `invocations`. */
  readonly lines: Buffer;
  readonly counts: { readonly created: number; readonly changed: number; readonly deleted: number };
}

export class Settlement {
  readonly #options: SettlementOptions;
  readonly #stamp: Stamp;
  readonly #onFailure: (traces: readonly TraceState[], error: unknown) => void;
  /** Groups with a call of which something has to be read from the store first; seldom any. */
  readonly #waiting: SettledGroup[] = [];
  readonly #fetched = new Map<ContentHash, string>();
  readonly #fetchedLists = new Map<ContentHash, readonly string[]>();
  readonly #outbox = new Outbox();
  readonly #changes: Change[] = [];
  readonly #lines: GrowingBuffer;
  readonly #counts = { created: 0, changed: 0, deleted: 0 };
  #lastAttributed: AttributedAs | null = null;

  constructor(
    options: SettlementOptions,
    stamp: Stamp,
    onFailure: (traces: readonly TraceState[], error: unknown) => void,
  ) {
    this.#options = options;
    this.#stamp = stamp;
    this.#lines = new GrowingBuffer(stamp.expectedBytes);
    this.#onFailure = onFailure;
  }

  /**
   * From the noted facts to rows in one go, so that what lies in between is garbage at once: of a round of
   * thousands of calls only the rows are kept. A group that fails, here or later, is left out of
   * the round and reported; the others go on.
   */
  settle(traces: readonly TraceState[]): void {
    try {
      this.#take(traces, this.#options.settle(traces.flatMap(factsOf)).invocations, null);
    } catch (error) {
      this.#onFailure(traces, error);
    }
  }

  /** The same of what is new of large traces alone: their other calls stay as they are until the whole has its turn. */
  settleNew(traces: readonly TraceState[]): void {
    try {
      const { added, gone } = differenceOf(surroundingsOf(traces), this.#options.settle);
      this.#take(traces, added, gone);
    } catch (error) {
      for (const trace of traces) trace.shownFacts = trace.notedFacts;
      this.#onFailure(traces, error);
    }
  }

  /** Lists that are no longer in memory: a call is attributed by all that it says. */
  missingLists(): ContentHash[] {
    return [
      ...new Set(this.#waitingCalls().flatMap(({ call }) => listsOf(call).filter((hash) => !this.#hasList(hash)))),
    ];
  }

  supplyLists(lists: ReadonlyMap<string, readonly string[]>): void {
    for (const [hash, list] of lists) this.#fetchedLists.set(hash as ContentHash, list.slice(0, BEGINNING_MESSAGES));
  }

  /** Texts that are no longer in memory. To be asked for when the lists are there. */
  missingTexts(): ContentHash[] {
    return [...new Set(this.#waitingCalls().flatMap(({ call }) => this.#textsLackedBy(call)))];
  }

  supplyTexts(texts: ReadonlyMap<ContentHash, string>): void {
    for (const [hash, text] of texts) this.#fetched.set(hash, text);
  }

  /** The rows to write, of all that was settled. */
  finish(): SettlementRows {
    for (const { traces, calls, gone } of this.#waiting) {
      const invocations = calls.map(({ call }) => call);
      try {
        this.#rowsOf(this.#readGroup(traces, invocations, gone));
      } catch (error) {
        this.#onFailure(traces, error);
      }
    }
    return { outbox: this.#outbox, lines: this.#lines.bytes, counts: this.#counts };
  }

  /** To be called at the end, whatever became of the rows. */
  release(): void {
    this.#lines.clear();
    this.#outbox.release();
  }

  /** To be called when the rows are in the store. */
  markWritten(): void {
    this.#outbox.markStored();
    for (const { trace, written, facts } of this.#changes) {
      trace.written = written;
      trace.shownFacts = facts;
    }
  }

  #take(traces: readonly TraceState[], invocations: readonly Invocation[], gone: SettledGroup['gone']): void {
    const group = this.#readGroup(traces, invocations, gone);
    if (group.calls.some((read) => this.#lacksAnything(read))) this.#waiting.push(group);
    else this.#rowsOf(group);
  }

  #readGroup(
    traces: readonly TraceState[],
    invocations: readonly Invocation[],
    gone: SettledGroup['gone'],
  ): SettledGroup {
    return {
      traces,
      gone,
      calls: invocations.map((call) => {
        const space = this.#options.spaces.for(call.environment);
        return { call, messages: this.#messagesOf(call, space) };
      }),
    };
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

  #lacksAnything({ call, messages }: ReadCall): boolean {
    if (messages !== null && call.template === null && call.variables === null) return false;
    return listsOf(call).some((hash) => !this.#hasList(hash)) || this.#textsLackedBy(call).length > 0;
  }

  #textsLackedBy(call: Invocation): ContentHash[] {
    const space = this.#options.spaces.for(call.environment);
    const lacking: ContentHash[] = [];
    eachTextToRead(call, this.#beginningAt, (hash) => {
      if (this.#textOf(hash, space) === undefined) lacking.push(hash);
    });
    return lacking;
  }

  #waitingCalls(): ReadCall[] {
    return this.#waiting.flatMap(({ calls }) => calls);
  }

  #rowsOf(group: SettledGroup): void {
    const [lines, changes, counts] = [this.#lines.length, this.#changes.length, { ...this.#counts }];
    try {
      this.#addRows(group);
    } catch (error) {
      this.#lines.truncate(lines);
      this.#changes.length = changes;
      Object.assign(this.#counts, counts);
      throw error;
    }
  }

  #addRows({ traces, calls, gone }: SettledGroup): void {
    const [first] = traces;
    if (first === undefined) return;
    if (traces.length === 1) {
      this.#addRowsOf(first, calls, gone);
      return;
    }
    const ownerOf = ownersAmong(traces);
    const byTrace = Map.groupBy(calls, ({ call }) => ownerOf(call) ?? first);
    for (const trace of traces) this.#addRowsOf(trace, byTrace.get(trace) ?? [], gone);
  }

  #addRowsOf(trace: TraceState, calls: readonly ReadCall[], gone: SettledGroup['gone']): void {
    const { now, nextRevision } = this.#stamp;
    const before = bySpan(trace.written ?? []);
    const stated = gone === null ? calls : calls.filter(({ call }) => before(call.spanId) === undefined);
    const written = stated.map((read) => {
      const { call } = read;
      const known = before(call.spanId);
      if (known !== undefined && known.startedAt !== call.startedAt) {
        // Another start is another place in the table: the old row has to go.
        this.#lines.add(tombstoneLine(known, now, nextRevision()));
      }
      return this.#addRow(read, trace, known);
    });
    const current = bySpan(written);
    for (const known of trace.written ?? []) {
      if (current(known.spanId) !== undefined) continue;
      if (gone?.has(callKey(known)) === false) {
        written.push(known);
        continue;
      }
      this.#lines.add(tombstoneLine(known, now, nextRevision()));
      this.#counts.deleted += 1;
    }
    this.#changes.push({ trace, written, facts: trace.notedFacts });
  }

  /** Returns what is then known to be in the store. */
  #addRow({ call, messages }: ReadCall, trace: TraceState, before: Written | undefined): Written {
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
      return before;
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
    };
  }

  /** Returns its hash: equal when nothing that is stored has changed. */
  #addRowBeginning(json: string): string {
    const start = this.#lines.length;
    this.#lines.add(json);
    return digest('sha1', this.#lines.bytes.subarray(start), 'hex').slice(0, 16);
  }

  #attribute(call: AttributableCall, space: ContentSpace): Pick<Written, 'attributed' | 'variablesHash'> {
    const answer = this.#options.attribute(call);
    const variablesHash = answer.match == null ? '' : space.variables.keep(answer.match, this.#outbox);
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
      this.#outbox.addText(space.texts.remember(instruction.text));
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
    return space.texts.textOf(hash) ?? this.#fetched.get(hash);
  }
}

/** All that were noted. */
function factsOf(trace: TraceState): readonly SpanFacts[] {
  const facts = trace.facts.slice(0, trace.notedFacts).map(readFacts);
  rememberParents(trace, facts);
  return facts;
}
