/** Reads what the store holds of traces that are no longer, or only partly, in memory. */

import type { ContentHash } from '../../contract/prompt.ts';
import type { StoredFacts, StoredInvocation, TelemetryLog } from '../../contract/telemetry-log.ts';
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
}

// One query's worth: its text and its answer stay small.
const TRACES_PER_QUERY = 500;
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
   * calls, whole as well. Returns whether the store had to be asked. `lookedFor` is the caller's
   * only to keep: keys that need not be looked for again.
   */
  async complete(traces: readonly TraceState[], lookedFor: Set<string>): Promise<boolean> {
    let hasAsked = false;
    let reached = traces;
    for (let step = 0; step < STEPS_MAX && reached.length > 0; step += 1) {
      const lookedForBefore = lookedFor.size;
      await this.#bringInSharing(reached, lookedFor);
      reached = partialOf(reached);
      hasAsked ||= lookedFor.size > lookedForBefore || reached.length > 0;
      for (const some of chunks(reached, TRACES_PER_QUERY)) await this.#makeWhole(some);
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

  async #makeWhole(traces: readonly TraceState[]): Promise<void> {
    // Before the store is asked: whoever hears meanwhile that there is more in it says so again.
    for (const trace of traces) trace.isWhole = true;
    try {
      await this.#readBack(traces);
    } catch (error) {
      for (const trace of traces) trace.isWhole = false;
      throw error;
    }
  }

  async #readBack(traces: readonly TraceState[]): Promise<void> {
    const { log, window, factsPerTraceMax } = this.#options;
    const byKey = new Map(traces.map((trace) => [trace.key, trace]));
    const ids = traces.filter((trace) => !trace.key.startsWith('-')).map((trace) => trace.key);
    countReadBack(ids.length);
    if (ids.length > 0) {
      const rows = Map.groupBy(await log.factsOfTraces(ids, factsPerTraceMax), (row) => row.traceId);
      const { calls, revision } = await log.invocationsOfTraces(ids);
      if (revision > this.#highestRevision) this.#highestRevision = revision;
      const invocations = Map.groupBy(calls, (row) => row.traceId);
      for (const id of ids) {
        const trace = byKey.get(id) as TraceState;
        const facts = rows.get(id) ?? [];
        // Half of a trace would take the calls of the other half back: what is new is settled apart.
        if (facts.length >= factsPerTraceMax) countOversized(1);
        else restore(window, trace, facts, invocations.get(id) ?? []);
      }
    }
  }
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
