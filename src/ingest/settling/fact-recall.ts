/**
 * Reads what the store holds of traces that are no longer (or only partly) in memory, and makes
 * packed facts of stored rows.
 */

import type { ContentHash } from '../../contract/prompt.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import type { StoredFacts, TelemetryLog } from '../../contract/telemetry-log.ts';
import type { ContentSpaces } from '../content/content-space.ts';
import { factsOfRow, listsOf } from '../content/fact-rows.ts';
import type { SeenTraces } from './seen-traces.ts';
import { traceKey, type TraceState, type TraceWindow } from './trace-window.ts';
import { countReadBack } from '../metrics.ts';

export interface FactRecallOptions {
  readonly log: TelemetryLog;
  readonly spaces: ContentSpaces;
  readonly window: TraceWindow;
  readonly seen: SeenTraces;
  readonly factsPerTraceMax: number;
}

// One query's worth: its text and its answer stay small.
const TRACES_PER_QUERY = 500;
const HASHES_PER_QUERY = 2_000;

export class FactRecall {
  readonly #options: FactRecallOptions;

  constructor(options: FactRecallOptions) {
    this.#options = options;
  }

  /** Packed facts of rows as they were stored, in the same order. */
  async facts(rows: readonly StoredFacts[]): Promise<readonly SpanFacts[]> {
    const space = this.#options.spaces.for(undefined);
    const lists = new Map<string, readonly string[]>();
    const missing = new Set<string>();
    for (const hash of rows.flatMap(listsOf)) {
      const known = space.lists.recall(hash);
      if (known === null) missing.add(hash);
      else lists.set(hash, known);
    }
    for (const some of chunks([...missing], HASHES_PER_QUERY)) {
      for (const [hash, messages] of await this.#options.log.messageLists(some)) lists.set(hash, messages);
    }
    return rows.map((row) => factsOfRow(row, lists, (json) => space.messages.parse(json)));
  }

  /**
   * Completes these traces from the store, and brings in traces of the store that report a call
   * with the same response id.
   */
  async complete(traces: readonly TraceState[], nowMs: number): Promise<void> {
    await this.#bringInSharing(traces, nowMs);
    const partial = new Set(traces.filter((trace) => !trace.isWhole));
    for (const trace of traces) {
      for (const id of trace.responseIds) {
        for (const key of this.#options.window.sharing(id)) {
          const other = this.#options.window.get(key);
          if (other !== undefined && !other.isWhole) partial.add(other);
        }
      }
    }
    for (const some of chunks([...partial], TRACES_PER_QUERY)) await this.#readBack(some);
  }

  /** Texts that are no longer in memory. */
  texts(hashes: readonly ContentHash[]): Promise<ReadonlyMap<ContentHash, string>> {
    return this.#options.log.texts(hashes);
  }

  async #bringInSharing(traces: readonly TraceState[], nowMs: number): Promise<void> {
    const { log, seen, window } = this.#options;
    const ids = new Set<string>();
    for (const trace of traces) {
      for (const id of trace.responseIds) if (seen.mayHave(responseKey(id))) ids.add(id);
    }
    for (const some of chunks([...ids], TRACES_PER_QUERY)) {
      for (const row of await log.tracesOfResponses(some)) {
        const key = traceKey(row);
        if (window.get(key) !== undefined) continue;
        const trace = window.open(key, row.traceId === '', nowMs);
        for (const facts of await this.facts([row])) window.recall(trace, facts);
      }
    }
  }

  async #readBack(traces: readonly TraceState[]): Promise<void> {
    const { log, window, factsPerTraceMax } = this.#options;
    const byKey = new Map(traces.map((trace) => [trace.key, trace]));
    const ids = traces.filter((trace) => !trace.key.startsWith('-')).map((trace) => trace.key);
    countReadBack(ids.length);
    const rows = ids.length === 0 ? [] : await log.factsOfTraces(ids, factsPerTraceMax);
    for (const facts of await this.facts(rows)) {
      const trace = byKey.get(facts.traceId);
      if (trace !== undefined) window.recall(trace, facts);
    }
    for (const row of ids.length === 0 ? [] : await log.invocationsOfTraces(ids)) {
      byKey.get(row.traceId)?.written.set(row.spanId, row);
    }
    for (const trace of traces) trace.isWhole = true;
  }
}

/** Response ids and traces are remembered side by side. */
export function responseKey(responseId: string): string {
  return `r:${responseId}`;
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
