/**
 * One round of settling: the facts of some traces become invocations, and what differs from the
 * store becomes rows. In memory only; the settler reads before and writes after.
 */

import type { Invocation } from '../../contract/invocation.ts';
import type { ContentHash } from '../../contract/prompt.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import type { Settled } from '../../invocations/settled.ts';
import type { Steps } from '../../lib/steps.ts';
import { readFacts, type FactLine } from '../content/fact-rows.ts';
import type { Outbox } from '../content/outbox.ts';
import { CallRows, type CallRowsOptions, type RowCounts, type Stamp } from './call-rows.ts';
import { callKey, differenceOf, rememberParents, surroundingsOf } from './surroundings.ts';
import type { TraceState } from './trace-state.ts';
import { bySpan, ownersAmong, type Written } from './written.ts';

export interface SettlementOptions extends CallRowsOptions {
  readonly settle: (facts: readonly SpanFacts[]) => Steps<Settled>;
}

/** What came of one group of traces that are settled together. */
interface SettledGroup {
  readonly traces: readonly TraceState[];
  readonly calls: readonly Invocation[];
  /** Which other calls are none any more; null for all. */
  readonly gone: ReadonlySet<string> | null;
}

/** What is in the store of a trace once the round is written. */
interface Change {
  readonly trace: TraceState;
  readonly written: readonly Written[];
  /** Of so many facts. */
  readonly facts: number;
}

export interface SettlementRows {
  /** Rows of texts and variables, which the others refer to. */
  readonly outbox: Outbox;
  /** Rows of `invocations`. */
  readonly lines: Buffer;
  readonly counts: RowCounts;
}

// A fact is read, and a call is made a row, in 10 to 30 us each.
const PER_STEP = 100;

export class Settlement {
  readonly #options: SettlementOptions;
  readonly #onFailure: (traces: readonly TraceState[], error: unknown) => void;
  readonly #rows: CallRows;
  /** Groups with a call of which something has to be read from the store first; seldom any. */
  readonly #waiting: SettledGroup[] = [];
  readonly #changes: Change[] = [];

  constructor(
    options: SettlementOptions,
    stamp: Stamp,
    onFailure: (traces: readonly TraceState[], error: unknown) => void,
  ) {
    this.#options = options;
    this.#rows = new CallRows(options, stamp);
    this.#onFailure = onFailure;
  }

  /**
   * From the noted facts to rows, call by call, so that what lies in between is garbage at once: of a round of
   * thousands of calls only the rows are kept. A group that fails, here or later, is left out of
   * the round and reported; the others go on.
   */
  *settle(traces: readonly TraceState[]): Steps {
    try {
      const facts: SpanFacts[] = [];
      for (const trace of traces) yield* readAll(trace, facts);
      const { invocations } = yield* this.#options.settle(facts);
      yield* this.#take({ traces, calls: invocations, gone: null });
    } catch (error) {
      this.#onFailure(traces, error);
    }
  }

  /** The same of what is new of large traces alone: their other calls stay as they are until the whole has its turn. */
  *settleNew(traces: readonly TraceState[]): Steps {
    try {
      const { added, gone } = yield* differenceOf(surroundingsOf(traces), this.#options.settle);
      yield* this.#take({ traces, calls: added, gone });
    } catch (error) {
      for (const trace of traces) trace.shownFacts = trace.notedFacts;
      this.#onFailure(traces, error);
    }
  }

  /** Lists that are no longer in memory. */
  missingLists(): ContentHash[] {
    return [...new Set(this.#waitingCalls().flatMap((call) => this.#rows.missingLists(call)))];
  }

  supplyLists(lists: ReadonlyMap<string, readonly string[]>): void {
    this.#rows.supplyLists(lists);
  }

  /** Texts that are no longer in memory. To be asked for when the lists are there. */
  missingTexts(): ContentHash[] {
    return [...new Set(this.#waitingCalls().flatMap((call) => this.#rows.missingTexts(call)))];
  }

  supplyTexts(texts: ReadonlyMap<ContentHash, string>): void {
    this.#rows.supplyTexts(texts);
  }

  /** The rows to write, of all that was settled. */
  *finish(): Steps<SettlementRows> {
    for (const group of this.#waiting) {
      try {
        yield* this.#addRows(group, false);
      } catch (error) {
        this.#onFailure(group.traces, error);
      }
    }
    const { outbox, lines, counts } = this.#rows;
    return { outbox, lines, counts };
  }

  /** To be called at the end, whatever became of the rows. */
  release(): void {
    this.#rows.release();
  }

  /** To be called when the rows are in the store. */
  markWritten(): void {
    this.#rows.outbox.markStored();
    for (const { trace, written, facts } of this.#changes) {
      trace.written = written;
      trace.shownFacts = facts;
    }
  }

  *#take(group: SettledGroup): Steps {
    if (!(yield* this.#addRows(group, true))) this.#waiting.push(group);
  }

  #waitingCalls(): Invocation[] {
    return this.#waiting.flatMap(({ calls }) => calls);
  }

  /** Returns false, and adds nothing, when a call lacks something. */
  *#addRows({ traces, calls, gone }: SettledGroup, mayLack: boolean): Steps<boolean> {
    const [place, changes] = [this.#rows.place, this.#changes.length];
    let isAll = false;
    try {
      const callsOf = callsByTrace(traces, calls);
      for (const trace of traces) {
        if (!(yield* this.#addRowsOf(trace, callsOf(trace), gone, mayLack))) return false;
      }
      isAll = true;
    } finally {
      if (!isAll) {
        this.#rows.backTo(place);
        this.#changes.length = changes;
      }
    }
    return true;
  }

  *#addRowsOf(
    trace: TraceState,
    calls: readonly Invocation[],
    gone: SettledGroup['gone'],
    mayLack: boolean,
  ): Steps<boolean> {
    const before = bySpan(trace.written ?? []);
    const stated = gone === null ? calls : calls.filter(({ spanId }) => before(spanId) === undefined);
    const written: Written[] = [];
    for (const call of stated) {
      const row = this.#rows.add(call, trace, before(call.spanId), mayLack);
      if (row === null) return false;
      written.push(row);
      if (written.length % PER_STEP === 0) yield;
    }
    const current = bySpan(written);
    for (const known of trace.written ?? []) {
      if (current(known.spanId) !== undefined) continue;
      if (gone?.has(callKey(known)) === false) written.push(known);
      else this.#rows.takeBack(known);
    }
    this.#changes.push({ trace, written, facts: trace.notedFacts });
    return true;
  }
}

const NO_CALLS: readonly Invocation[] = [];

function callsByTrace(
  traces: readonly TraceState[],
  calls: readonly Invocation[],
): (trace: TraceState) => readonly Invocation[] {
  const [first] = traces;
  if (first === undefined || traces.length === 1) return () => calls;
  const ownerOf = ownersAmong(traces);
  const byTrace = Map.groupBy(calls, (call) => ownerOf(call) ?? first);
  return (trace) => byTrace.get(trace) ?? NO_CALLS;
}

/** All that were noted. */
function* readAll(trace: TraceState, into: SpanFacts[]): Steps {
  const facts: SpanFacts[] = [];
  for (let at = 0; at < trace.notedFacts; at += 1) {
    facts.push(readFacts(trace.facts[at] as FactLine));
    if (facts.length % PER_STEP === 0) yield;
  }
  rememberParents(trace, facts);
  for (const each of facts) into.push(each);
}
