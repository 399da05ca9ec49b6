/** Reads what the store holds of traces that are no longer, or only partly, in memory. */

import type { ContentHash } from '../../contract/prompt.ts';
import type { FactLimits, StoredFacts, StoredInvocation, TelemetryLog } from '../../contract/telemetry-log.ts';
import type { Clock } from '../../contract/time.ts';
import { addMillis } from '../../lib/time.ts';
import { chunks } from '../../lib/chunks.ts';
import { factLineOfRow } from '../content/fact-rows.ts';
import { addColumnsOfKey, type SharedColumns } from '../content/shared-keys.ts';
import { countOversized, countReadBack } from '../metrics.ts';
import type { SeenTraces } from './seen-traces.ts';
import { traceKey, type TraceState, type TraceWindow } from './trace-window.ts';

export interface FactRecallOptions {
  readonly log: TelemetryLog;
  readonly window: TraceWindow;
  readonly seen: SeenTraces;
  readonly clock: Clock;
  readonly factsPerTraceMax: number;
  readonly bytesPerTraceMax: number;
}

/** What the store was asked in one round of settling. */
export class Asked {
  /** Keys that need not be looked for again. */
  readonly keys = new Set<string>();
  /** How much of traces was read. */
  facts = 0;
  bytes = 0;

  clear(): void {
    this.keys.clear();
    this.facts = 0;
    this.bytes = 0;
  }

  get isEnough(): boolean {
    return this.facts >= FACTS_PER_ROUND || this.bytes >= BYTES_PER_ROUND;
  }
}

// One query's worth: its text and its answer stay small. Of larger traces fewer are read at once.
const TRACES_PER_QUERY = 500;
const PER_QUERY: FactLimits = { factsMax: 5_000, bytesEachMax: 32 * 1024 };
// The rest waits for the next round: hundreds of traces of a thousand spans each may be settled again at once.
const FACTS_PER_ROUND = 10_000;
const BYTES_PER_ROUND = 24 * 1024 * 1024;
// What tells of the same call comes within this, or not at all.
const SHARED_WITHIN_MS = 24 * 3_600_000;
// A trace that was read back may share keys with others, and so on. Chains of real traces are shorter.
const STEPS_MAX = 16;

export class FactRecall {
  readonly #options: FactRecallOptions;
  #highestRevision = 0n;

  constructor(options: FactRecallOptions) {
    this.#options = options;
  }

  /**
   * Of all calls that were read. What is written of them next has to have a higher one, whatever the clock says:
   * that of another replica may be ahead.
   */
  get highestRevision(): bigint {
    return this.#highestRevision;
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
      reached = asked.isEnough ? [] : partialOf(reached);
      hasAsked ||= asked.keys.size > lookedForBefore || reached.length > 0;
      await this.#makeWhole(reached, asked);
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
    for (const trace of traces) {
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

  /** The first of these, until it is enough for a round. */
  async #makeWhole(traces: readonly TraceState[], asked: Asked): Promise<void> {
    const waiting = [...chunks(traces, TRACES_PER_QUERY)].toReversed();
    for (let some = waiting.pop(); some !== undefined; some = waiting.pop()) {
      if (asked.isEnough) return;
      // Before the store is asked: whoever hears meanwhile that there is more in it says so again.
      for (const trace of some) trace.isWhole = true;
      let isRead = false;
      try {
        isRead = await this.#readBack(some, asked);
      } finally {
        if (!isRead) for (const trace of some) trace.isWhole = false;
      }
      const half = Math.ceil(some.length / 2);
      if (!isRead) waiting.push(some.slice(half), some.slice(0, half));
    }
  }

  /** False when several are too much at once. */
  async #readBack(traces: readonly TraceState[], asked: Asked): Promise<boolean> {
    const { log, window } = this.#options;
    // Of calls without a trace nothing in the store belongs together.
    const stored = traces.filter((trace) => !trace.key.startsWith('-'));
    if (stored.length === 0) return true;
    const ids = stored.map(({ key }) => key);
    const facts = await this.#factsOf(ids);
    if (facts === 'several') return false;
    countReadBack(ids.length);
    const { calls, revision } = await log.invocationsOfTraces(ids);
    if (revision > this.#highestRevision) this.#highestRevision = revision;
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

  /** Without traces that are oversized. `several`, when they have to be read in smaller numbers. */
  async #factsOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly StoredFacts[]> | 'several'> {
    const { log, factsPerTraceMax: factsMax, bytesPerTraceMax: bytesEachMax } = this.#options;
    let read = await log.factsOfTraces(ids, PER_QUERY);
    if (read === null && ids.length > 1) return 'several';
    if (read === null) {
      const [id = ''] = ids;
      const { facts, bytes } = await log.sizeOfTrace(id);
      read = this.#isOversized(facts, bytes) ? null : await log.factsOfTraces([id], { factsMax, bytesEachMax });
    }
    if (read === null) return new Map();
    const byTrace = Map.groupBy(read, (row) => row.traceId);
    const own = ids.map((id) => [id, byTrace.get(id) ?? []] as const);
    return new Map(own.filter(([, facts]) => !this.#isOversized(facts.length, bytesOf(facts))));
  }

  #isOversized(facts: number, bytes: number): boolean {
    return facts >= this.#options.factsPerTraceMax || bytes > this.#options.bytesPerTraceMax;
  }
}

function bytesOf(facts: readonly StoredFacts[]): number {
  return facts.reduce((sum, each) => sum + each.facts.length, 0);
}

/** Of these traces and those that are settled with them. */
function partialOf(traces: readonly TraceState[]): TraceState[] {
  const groups = new Set(traces.map(({ group }) => group).filter((group) => group !== null));
  const alone = traces.filter(({ group }) => group === null);
  return [...alone, ...[...groups].flatMap((group) => [...group.traces])].filter(({ isWhole }) => !isWhole);
}

function restore(
  window: TraceWindow,
  trace: TraceState,
  facts: readonly StoredFacts[],
  invocations: readonly StoredInvocation[],
): void {
  for (const row of facts) window.recall(trace, factLineOfRow(row));
  const stored = new Set(invocations.map(({ spanId }) => spanId));
  trace.written = [...invocations, ...(trace.written ?? []).filter(({ spanId }) => !stored.has(spanId))];
}
