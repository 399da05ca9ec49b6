/**
 * One round of settling: the facts of some traces become invocations, and what differs from the
 * store becomes rows. In memory only; the settler reads before and writes after.
 */

import type { Invocation } from '../../contract/invocation.ts';
import type { CallPrice, PriceCall } from '../../contract/invocation-log.ts';
import type { ContentHash, PromptMessage } from '../../contract/prompt.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Settled } from '../../invocations/settled.ts';
import type { ContentSpace, ContentSpaces } from '../content/content-space.ts';
import { LineBuffer } from '../../lib/line-buffer.ts';
import { readFacts } from '../content/fact-rows.ts';
import { BEGINNING_MESSAGES } from '../content/message-lists.ts';
import { Outbox } from '../content/outbox.ts';
import { parseReference } from '../../text/reference.ts';
import {
  firstUserTexts,
  instructionOf,
  instructionSource,
  type AttributableCall,
  type AttributeCall,
  type AttributedAs,
} from './attribution.ts';
import { draftRow, rowLine, tombstoneLine } from './invocation-rows.ts';
import { callMessages, eachTextToRead, listsOf, unpackText, unpackVariables } from './readable-call.ts';
import type { TraceState, Written } from './trace-window.ts';

/** An invocation that was just written, for whoever looks at traffic. */
export interface WrittenCall {
  /** Long texts in it are references. */
  readonly invocation: Invocation;
  /** Strict hash of the instruction text; null when no content was captured. */
  readonly promptHash: ContentHash | null;
  readonly attributed: AttributedAs;
  readonly price: CallPrice | null;
  /** False when it replaces an earlier word about the same call. */
  readonly isNew: boolean;
}

export interface SettlementOptions {
  readonly settle: (facts: readonly SpanFacts[]) => Settled;
  readonly spaces: ContentSpaces;
  readonly attribute: AttributeCall;
  readonly price: PriceCall;
}

/** What came of one group of traces that are settled together. */
interface SettledGroup {
  readonly traces: readonly TraceState[];
  readonly invocations: readonly Invocation[];
}

interface Change {
  readonly trace: TraceState;
  readonly spanId: string;
  /** Null: taken back. */
  readonly written: Written | null;
}

export interface SettlementRows {
  readonly outbox: Outbox;
  readonly lines: Buffer;
  readonly calls: readonly WrittenCall[];
  readonly counts: { readonly created: number; readonly changed: number; readonly deleted: number };
}

export class Settlement {
  readonly #options: SettlementOptions;
  readonly #onFailure: (traces: readonly TraceState[], error: unknown) => void;
  readonly #groups: SettledGroup[] = [];
  readonly #fetched = new Map<ContentHash, string>();
  readonly #fetchedLists = new Map<ContentHash, readonly string[]>();
  /** Of the calls whose texts are all in memory: nearly all. */
  readonly #messages = new Map<Invocation, readonly PromptMessage[]>();
  readonly #outbox = new Outbox();
  readonly #changes: Change[] = [];
  readonly #calls: WrittenCall[] = [];
  readonly #lines = new LineBuffer();

  constructor(options: SettlementOptions, onFailure: (traces: readonly TraceState[], error: unknown) => void) {
    this.#options = options;
    this.#onFailure = onFailure;
  }

  /** A group that fails, here or later, is left out of the round and reported; the others go on. */
  settle(traces: readonly TraceState[]): void {
    try {
      const facts = traces.flatMap((trace) => trace.facts.map(readFacts));
      this.#groups.push({ traces, invocations: this.#options.settle(facts).invocations });
    } catch (error) {
      this.#onFailure(traces, error);
    }
  }

  /** Lists that are no longer in memory: a call is attributed by all that it says. */
  missingLists(): ContentHash[] {
    const missing = new Set<ContentHash>();
    for (const { invocations } of this.#groups) {
      for (const call of invocations) {
        for (const hash of listsOf(call)) if (!this.#hasList(hash)) missing.add(hash);
      }
    }
    return [...missing];
  }

  supplyLists(lists: ReadonlyMap<string, readonly string[]>): void {
    for (const [hash, list] of lists) this.#fetchedLists.set(hash as ContentHash, list.slice(0, BEGINNING_MESSAGES));
  }

  /** Texts that are no longer in memory. */
  missingTexts(): ContentHash[] {
    const missing = new Set<ContentHash>();
    for (const { invocations } of this.#groups) {
      for (const call of invocations) {
        const space = this.#options.spaces.for(call.environment);
        const messages = callMessages(call, (hash) => this.#textOf(hash, space), this.#beginningAt);
        if (messages !== null) this.#messages.set(call, messages);
        if (messages !== null && call.template === null && call.variables === null) continue;
        eachTextToRead(call, this.#beginningAt, (hash) => {
          if (this.#textOf(hash, space) === undefined) missing.add(hash);
        });
      }
    }
    return [...missing];
  }

  supplyTexts(texts: ReadonlyMap<ContentHash, string>): void {
    for (const [hash, text] of texts) this.#fetched.set(hash, text);
  }

  /** The rows to write. `nextRevision` grows with every call. */
  rows(now: Timestamp, nextRevision: () => bigint): SettlementRows {
    const counts = { created: 0, changed: 0, deleted: 0 };
    for (const group of this.#groups) {
      const [lines, changes, calls] = [this.#lines.length, this.#changes.length, this.#calls.length];
      try {
        this.#groupRows(group, now, nextRevision, counts);
      } catch (error) {
        this.#lines.truncate(lines);
        this.#changes.length = changes;
        this.#calls.length = calls;
        this.#onFailure(group.traces, error);
      }
    }
    return { outbox: this.#outbox, lines: this.#lines.take(), calls: this.#calls, counts };
  }

  /** To be called when the rows are in the store. */
  markWritten(): void {
    this.#outbox.markStored();
    for (const { trace, spanId, written } of this.#changes) {
      trace.written ??= new Map();
      if (written === null) trace.written.delete(spanId);
      else trace.written.set(spanId, written);
    }
  }

  #groupRows(
    group: SettledGroup,
    now: Timestamp,
    nextRevision: () => bigint,
    counts: { created: number; changed: number; deleted: number },
  ): void {
    const [first] = group.traces;
    if (first === undefined) return;
    const traceOf = (traceId: string): TraceState => group.traces.find((trace) => trace.key === traceId) ?? first;
    const current = new Map<TraceState, Set<string>>();
    for (const call of group.invocations) {
      const trace = traceOf(call.traceId);
      const ids = current.get(trace);
      if (ids === undefined) current.set(trace, new Set([call.spanId]));
      else ids.add(call.spanId);
      const before = trace.written?.get(call.spanId);
      if (before !== undefined && before.startedAt !== call.startedAt) {
        // Another start is another place in the table: the old row has to go.
        this.#lines.add(tombstoneLine({ ...call, startedAt: before.startedAt }, now, nextRevision()));
      }
      const outcome = this.#callRow(call, trace, before, now, nextRevision);
      if (outcome !== 'same') counts[outcome] += 1;
    }
    for (const trace of group.traces) {
      for (const [spanId, before] of trace.written ?? []) {
        if (current.get(trace)?.has(spanId) === true) continue;
        this.#lines.add(tombstoneLine({ ...before, spanId }, now, nextRevision()));
        this.#changes.push({ trace, spanId, written: null });
        counts.deleted += 1;
      }
    }
  }

  #callRow(
    call: Invocation,
    trace: TraceState,
    before: Written | undefined,
    now: Timestamp,
    nextRevision: () => bigint,
  ): 'same' | 'created' | 'changed' {
    const space = this.#options.spaces.for(call.environment);
    const instruction = this.#instruction(call, space);
    const attributable = this.#attributable(call, instruction, space);
    // Texts that were not kept can't be asked about again: what was said of them when they were here stands.
    const standing =
      before !== undefined && call.input !== null && attributable.messages() === null ? before : undefined;
    const { attributed, variablesHash } = standing ?? this.#attribute(attributable, space);
    const price = this.#options.price(call);
    const promptHash = (standing?.promptHash || instruction?.hash || null) as ContentHash | null;
    const draft = draftRow(call, promptHash ?? '', variablesHash, attributed, price);
    if (before !== undefined && before.contentHash === draft.contentHash && before.startedAt === call.startedAt)
      return 'same';
    // What the time machine may say was known at a time: since the text is known, not since the last correction.
    const ingestedAt = before !== undefined && before.promptHash === (promptHash ?? '') ? before.ingestedAt : now;
    this.#lines.add(rowLine(draft, ingestedAt, nextRevision()));
    const { traceId, spanId, startedAt } = call;
    const { contentHash } = draft;
    const written = {
      traceId,
      startedAt,
      ingestedAt,
      promptHash: promptHash ?? '',
      variablesHash,
      contentHash,
      attributed,
    };
    this.#changes.push({ trace, spanId, written });
    this.#calls.push({ invocation: call, promptHash, attributed, price, isNew: before === undefined });
    return before === undefined ? 'created' : 'changed';
  }

  #attribute(call: AttributableCall, space: ContentSpace): Pick<Written, 'attributed' | 'variablesHash'> {
    const { match, kind, prompt, version, owner } = this.#options.attribute(call);
    const variablesHash = match == null ? '' : space.variables.keep(match, this.#outbox);
    // Without the match, which holds the whole text.
    return { attributed: { kind, prompt, version, owner }, variablesHash };
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
    instruction: { hash: ContentHash; text: string | null } | null,
    space: ContentSpace,
  ): AttributableCall {
    const textOf = (hash: ContentHash): string | undefined => this.#textOf(hash, space);
    const text = instruction?.text ?? null;
    return {
      invocation,
      instruction: instruction === null || text === null ? null : { hash: instruction.hash, text },
      messages: () => this.#messages.get(invocation) ?? callMessages(invocation, textOf, this.#beginningAt),
      template: () => (invocation.template === null ? null : unpackText(invocation.template, textOf)),
      variables: () => unpackVariables(invocation.variables, textOf),
    };
  }

  #instructionTexts(call: Invocation): readonly string[] {
    const source = instructionSource(call.input);
    return source.kind === 'texts' ? source.texts : firstUserTexts(this.#beginningAt(source.hash) ?? []);
  }

  #hasList(hash: ContentHash): boolean {
    return this.#options.spaces.hasList(hash) || this.#fetchedLists.has(hash);
  }

  readonly #beginningAt = (hash: ContentHash): readonly string[] | null =>
    this.#options.spaces.beginningOfList(hash) ?? this.#fetchedLists.get(hash) ?? null;

  #textOf(hash: ContentHash, space: ContentSpace): string | undefined {
    return space.texts.textOf(hash) ?? this.#fetched.get(hash);
  }
}
