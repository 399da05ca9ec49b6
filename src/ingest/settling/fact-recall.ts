/** Reads what the store holds of traces that are no longer, or only partly, in memory. */

import type { ContentHash } from '../../contract/prompt.ts';
import type { StoredFacts, StoredInvocation, TelemetryLog } from '../../contract/telemetry-log.ts';
import { factLineOfRow, responseIdOfKey } from '../content/fact-rows.ts';
import type { SeenTraces } from './seen-traces.ts';
import { traceKey, type TraceState, type TraceWindow } from './trace-window.ts';
import { countOversized, countReadBack } from '../metrics.ts';

export interface FactRecallOptions {
  readonly log: TelemetryLog;
  readonly window: TraceWindow;
  readonly seen: SeenTraces;
  readonly factsPerTraceMax: number;
}

// One query's worth: its text and its answer stay small.
const TRACES_PER_QUERY = 500;

export class FactRecall {
  readonly #options: FactRecallOptions;

  constructor(options: FactRecallOptions) {
    this.#options = options;
  }

  /**
   * Completes these traces from the store, and brings in traces of the store that report a call
   * with the same response id.
   */
  async complete(traces: readonly TraceState[], nowMs: number): Promise<void> {
    await this.#bringInSharing(traces, nowMs);
    const partial = new Set(traces.filter((trace) => !trace.isWhole));
    for (const trace of traces) {
      for (const shared of trace.keys) {
        for (const key of this.#options.window.sharing(shared)) {
          const other = this.#options.window.get(key);
          if (other !== undefined && !other.isWhole) partial.add(other);
        }
      }
    }
    for (const some of chunks([...partial], TRACES_PER_QUERY)) await this.#readBack(some);
  }

  /** Message lists that are no longer in memory. */
  lists(hashes: readonly ContentHash[]): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#options.log.messageLists(hashes);
  }

  /** Texts that are no longer in memory. */
  texts(hashes: readonly ContentHash[]): Promise<ReadonlyMap<ContentHash, string>> {
    return this.#options.log.texts(hashes);
  }

  async #bringInSharing(traces: readonly TraceState[], nowMs: number): Promise<void> {
    const { log, seen, window } = this.#options;
    const ids = new Set<string>();
    for (const trace of traces) {
      for (const key of trace.keys) {
        const id = responseIdOfKey(key);
        if (id !== null && seen.mayHave(key)) ids.add(id);
      }
    }
    for (const some of chunks([...ids], TRACES_PER_QUERY)) {
      for (const row of await log.tracesOfResponses(some)) {
        const key = traceKey(row);
        if (window.get(key) !== undefined) continue;
        const trace = window.open(key, row.traceId === '', nowMs);
        window.recall(trace, factLineOfRow(row));
      }
    }
  }

  async #readBack(traces: readonly TraceState[]): Promise<void> {
    const { log, window, factsPerTraceMax } = this.#options;
    const byKey = new Map(traces.map((trace) => [trace.key, trace]));
    const ids = traces.filter((trace) => !trace.key.startsWith('-')).map((trace) => trace.key);
    countReadBack(ids.length);
    if (ids.length > 0) {
      const rows = Map.groupBy(await log.factsOfTraces(ids, factsPerTraceMax), (row) => row.traceId);
      const invocations = Map.groupBy(await log.invocationsOfTraces(ids), (row) => row.traceId);
      for (const id of ids) {
        const trace = byKey.get(id) as TraceState;
        const facts = rows.get(id) ?? [];
        // Half of a trace would take the calls of the other half back: what is new is settled apart.
        if (facts.length >= factsPerTraceMax) countOversized(1);
        else restore(window, trace, facts, invocations.get(id) ?? []);
      }
    }
    for (const trace of traces) trace.isWhole = true;
  }
}

function restore(
  window: TraceWindow,
  trace: TraceState,
  facts: readonly StoredFacts[],
  invocations: readonly StoredInvocation[],
): void {
  for (const row of facts) window.recall(trace, factLineOfRow(row));
  trace.written ??= new Map();
  for (const row of invocations) trace.written.set(row.spanId, row);
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
