/** Reads what the store holds of traces that are no longer, or only partly, in memory. */

import type { ContentHash } from '../../contract/prompt.ts';
import type {
  FactLimits,
  Received,
  StoredFacts,
  StoredInvocation,
  TelemetryLog,
} from '../../contract/telemetry-log.ts';
import type { Clock } from '../../contract/time.ts';
import { addMillis, DAY_MS } from '../../lib/time.ts';
import { chunks } from '../../lib/chunks.ts';
import { factLineOfRow } from '../content/fact-rows.ts';
import { addColumnsOfKey, type SharedColumns } from '../content/shared-keys.ts';
import { countOversized, countReadBack } from '../metrics.ts';
import type { Asked } from './asked.ts';
import type { Revisions } from './revisions.ts';
import type { SeenTraces } from './seen-traces.ts';
import { LARGE_TRACE_FACTS, toldOfBoth, type Told, type TraceState } from './trace-state.ts';
import { traceKey, type TraceWindow } from './trace-window.ts';
import { isOverdue, type TurnLimits } from './turns.ts';

export interface FactRecallOptions extends TurnLimits {
  readonly log: TelemetryLog;
  readonly window: TraceWindow;
  readonly seen: SeenTraces;
  /** Told of those of all calls that are read. */
  readonly revisions: Revisions;
  readonly clock: Clock;
  readonly factsPerTraceMax: number;
  readonly bytesPerTraceMax: number;
}

// One query's worth: its text and its answer stay small. Of larger traces fewer are read at once.
const TRACES_PER_QUERY = 500;
const PER_QUERY: FactLimits = { factsMax: 5_000, bytesEachMax: 32 * 1024 };
// What tells of the same call comes within this, or not at all.
const SHARED_WITHIN_MS = DAY_MS;
// A trace that was read back may share keys with others, and so on. Chains of real traces are shorter.
const STEPS_MAX = 16;

export class FactRecall {
  readonly #options: FactRecallOptions;

  constructor(options: FactRecallOptions) {
    this.#options = options;
  }

  /**
   * Completes these traces from the store, and brings in traces of the store that tell of the same
   * calls, whole as well; what is too much for one round stays partial. Returns whether the store had
   * to be asked. `asked` is the caller's only to keep, as long as the round lasts.
   */
  async complete(traces: readonly TraceState[], asked: Asked): Promise<boolean> {
    let hasAsked = false;
    let reached = traces;
    for (let step = 0; step < STEPS_MAX && reached.length > 0; step += 1) {
      const lookedForBefore = asked.keys.size;
      await this.#bringInSharing(reached, asked.keys);
      // Their groups as they are now: of what was brought in, and of what came meanwhile, they have become larger.
      reached = asked.isEnough ? [] : withTheirGroups(reached).filter((trace) => this.#isToBeRead(trace, asked));
      hasAsked ||= asked.keys.size > lookedForBefore || reached.length > 0;
      const growing = new Set(reached.filter((trace) => this.#isGrowing(trace, asked)));
      const others = reached.filter((trace) => !growing.has(trace));
      await this.#read([...growing], false, asked);
      await this.#read(others, true, asked);
    }
    return hasAsked;
  }

  /** Traces in the store that have one of these keys, the newest few of each. */
  async tracesHaving(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const columns = { responseIds: new Set<string>(), twinKeys: new Set<string>() };
    for (const key of keys) addColumnsOfKey(key, columns);
    const having = new Set<string>();
    await this.#eachSharing(columns, ({ traceId }) => having.add(traceId));
    having.delete('');
    return having;
  }

  /** Message lists that are no longer in memory. */
  lists(hashes: readonly ContentHash[]): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#options.log.messageLists(hashes);
  }

  /** Texts that are no longer in memory. */
  texts(hashes: readonly ContentHash[]): Promise<ReadonlyMap<ContentHash, string>> {
    return this.#options.log.texts(hashes);
  }

  async #bringInSharing(traces: readonly TraceState[], lookedFor: Set<string>): Promise<void> {
    const { seen, window, clock } = this.#options;
    const columns = { responseIds: new Set<string>(), twinKeys: new Set<string>() };
    // Also of what is only settled with them: what that was settled with before may have left memory since.
    for (const trace of withTheirGroups(traces)) {
      // A trace that left memory once has thousands of keys to look for then, and what they found would be settled apart.
      if (!window.hasRoom(trace)) continue;
      for (const fact of trace.facts) {
        for (const key of fact.keys) {
          if (lookedFor.has(key) || !window.tellsApart(key) || !seen.mayHaveKey(key, fact.relatedSince)) continue;
          lookedFor.add(key);
          addColumnsOfKey(key, columns);
        }
      }
    }
    const nowMs = Math.trunc(clock.monotonicMs());
    await this.#eachSharing(columns, (row) => {
      const trace = window.open(traceKey(row), row.traceId === '', nowMs);
      window.recall(trace, factLineOfRow(row));
    });
  }

  async #eachSharing(columns: SharedColumns, tell: (row: StoredFacts) => void): Promise<void> {
    const { log, clock } = this.#options;
    const since = addMillis(clock.now(), -SHARED_WITHIN_MS);
    for (const [column, values] of [
      ['response_id', columns.responseIds],
      ['twin_key', columns.twinKeys],
    ] as const) {
      for (const some of chunks([...values], TRACES_PER_QUERY)) {
        for (const row of await log.factsSharing(column, some, since)) tell(row);
      }
    }
  }

  #isToBeRead(trace: TraceState, asked: Asked): boolean {
    if (asked.has(trace) && isOverdue(trace, this.#options.clock.monotonicMs(), this.#options)) return false;
    return asked.isMissing(trace);
  }

  /**
   * Whether only what others have told of it is read: all that there was of it has been, and to read it again
   * would take longer than until they tell of more. Once it is quiet it is compared with the store.
   */
  #isGrowing(trace: TraceState, asked: Asked): boolean {
    const { clock, quietMs } = this.#options;
    if (asked.has(trace)) return true;
    const isLargeAndKnown = trace.wasWhole && trace.facts.length >= LARGE_TRACE_FACTS;
    return isLargeAndKnown && clock.monotonicMs() - trace.lastAddedMs < quietMs;
  }

  /** All of these traces, or what was told of: of the first of them, until it is enough for a round. */
  async #read(traces: readonly TraceState[], isAll: boolean, asked: Asked): Promise<void> {
    const [small, large] = [traces.filter((trace) => !isLarge(trace)), traces.filter(isLarge)];
    const waiting = [...chunks(small, TRACES_PER_QUERY), ...chunks(large, 1)].toReversed();
    for (let some = waiting.pop(); some !== undefined; some = waiting.pop()) {
      if (asked.isEnough) return;
      const told = some.map((trace) => asked.begin(trace, isAll));
      const received = receivedOf(told);
      let isRead = false;
      try {
        isRead = await (isAll ? this.#readBack(some, received, asked) : this.#readTold(some, received, asked));
      } finally {
        for (const [at, trace] of some.entries()) {
          if (!isRead) asked.undo(trace, told[at] ?? null);
          else if (isAll) trace.wasWhole = true;
        }
      }
      const half = Math.ceil(some.length / 2);
      if (!isRead) waiting.push(some.slice(half), some.slice(0, half));
    }
  }

  /** False when several are too much at once. */
  async #readTold(traces: readonly TraceState[], received: Received | null, asked: Asked): Promise<boolean> {
    const { log, window, factsPerTraceMax: factsMax, bytesPerTraceMax: bytesEachMax } = this.#options;
    if (received === null) return true;
    const ids = traces.map(({ key }) => key);
    let facts = await log.factsOfTraces(ids, PER_QUERY, received);
    if (facts === null && ids.length > 1) return false;
    facts ??= await log.factsOfTraces(ids, { factsMax, bytesEachMax }, received);
    const byKey = new Map(traces.map((trace) => [trace.key, trace]));
    for (const row of facts ?? []) {
      const trace = byKey.get(row.traceId);
      if (trace !== undefined) window.recall(trace, factLineOfRow(row));
    }
    asked.facts += facts?.length ?? 0;
    asked.bytes += bytesOf(facts ?? []);
    return true;
  }

  /** False when several are too much at once. */
  async #readBack(traces: readonly TraceState[], received: Received | null, asked: Asked): Promise<boolean> {
    const { log, window, revisions } = this.#options;
    // Of calls without a trace nothing in the store belongs together.
    const stored = traces.filter((trace) => !trace.key.startsWith('-'));
    if (stored.length === 0) return true;
    const [only] = stored;
    if (only !== undefined && isLarge(only)) await this.#readTold([only], received, asked);
    const facts = await this.#factsOf(stored);
    if (facts === 'several') return false;
    countReadBack(stored.length);
    const { calls, revision } = await log.invocationsOfTraces(stored.map(({ key }) => key));
    revisions.passed(revision);
    const callsOf = Map.groupBy(calls, (row) => row.traceId);
    for (const trace of stored) {
      const own = facts.get(trace.key);
      // Half of a trace would take the calls of the other half back: what is new is settled apart.
      if (own === undefined) countOversized(1);
      else restore(window, trace, own, callsOf.get(trace.key) ?? []);
      asked.facts += own?.length ?? 0;
      asked.bytes += own === undefined ? 0 : bytesOf(own);
    }
    return true;
  }

  /** What of them may not be in memory, without traces that are oversized. `several`, when they have to be read in smaller numbers. */
  async #factsOf(traces: readonly TraceState[]): Promise<ReadonlyMap<string, readonly StoredFacts[]> | 'several'> {
    const [first] = traces;
    const ids = traces.map(({ key }) => key);
    const isAlone = first !== undefined && traces.length === 1;
    let read = isAlone && isLarge(first) ? null : await this.#options.log.factsOfTraces(ids, PER_QUERY);
    if (read === null && !isAlone) return 'several';
    if (read === null && isAlone) read = await this.#factsOfLarge(first);
    if (read === null) return new Map();
    const byTrace = Map.groupBy(read, (row) => row.traceId);
    const own = ids.map((id) => [id, byTrace.get(id) ?? []] as const);
    return new Map(own.filter(([, facts]) => !this.#isOversized(facts.length, bytesOf(facts))));
  }

  /** None when all of them are in memory; null when they are too many. */
  async #factsOfLarge({ key, facts: known }: TraceState): Promise<readonly StoredFacts[] | null> {
    const { log, factsPerTraceMax: factsMax, bytesPerTraceMax: bytesEachMax } = this.#options;
    const { facts, bytes } = await log.sizeOfTrace(key);
    if (this.#isOversized(facts, bytes)) return null;
    return facts === known.length ? [] : log.factsOfTraces([key], { factsMax, bytesEachMax });
  }

  #isOversized(facts: number, bytes: number): boolean {
    return facts >= this.#options.factsPerTraceMax || bytes > this.#options.bytesPerTraceMax;
  }
}

function bytesOf(facts: readonly StoredFacts[]): number {
  return facts.reduce((sum, each) => sum + each.facts.length, 0);
}

/** Whether one query would not read all of it. */
function isLarge({ facts }: TraceState): boolean {
  return facts.length > PER_QUERY.factsMax;
}

function receivedOf(all: readonly (Told | null)[]): Received | null {
  let sum: Told = { received: null };
  for (const told of all) if (told !== null) sum = toldOfBoth(sum, told);
  return sum.received;
}

/** These traces and those that are settled with them. */
function withTheirGroups(traces: readonly TraceState[]): TraceState[] {
  const groups = new Set(traces.map(({ group }) => group).filter((group) => group !== null));
  const alone = traces.filter(({ group }) => group === null);
  return [...alone, ...[...groups].flatMap((group) => [...group.traces])];
}

function restore(
  window: TraceWindow,
  trace: TraceState,
  facts: readonly StoredFacts[],
  invocations: readonly StoredInvocation[],
): void {
  for (const row of facts) window.recall(trace, factLineOfRow(row));
  const stored = new Set(invocations.map(({ spanId }) => spanId));
  const others = (trace.written ?? []).filter(({ spanId }) => !stored.has(spanId));
  trace.written = [...invocations.map((call) => ({ ...call, madeOf: null })), ...others];
}
