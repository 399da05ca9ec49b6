/**
 * What the ingest asks of the store: rows in, and facts back when late ones arrive. Writes are
 * durable when they resolve and may be repeated. Failures throw a `Fault`; `permanent` means that
 * these rows will never be taken.
 */

import type { CallPrice, PricedCall } from './invocation-log.ts';
import type { AttributionKind } from './attribution.ts';
import type { ContentHash } from './prompt.ts';
import type { Timestamp } from './time.ts';

/** The tables that telemetry is written to, in the order in which their rows depend on each other. */
export const TELEMETRY_LANES = [
  'call_texts',
  'call_lists',
  'span_facts',
  'quarantine',
  'call_variables',
  'invocations',
  'sightings',
] as const;
export type TelemetryLane = (typeof TELEMETRY_LANES)[number];

/** One row of facts as it was stored: `facts` is the packed JSON of `src/ingest/content/fact-rows.ts`. */
export interface StoredFacts {
  readonly traceId: string;
  readonly spanId: string;
  readonly recordId: string;
  /** Empty when it has none. */
  readonly responseId: string;
  readonly startedAt: Timestamp;
  readonly facts: string;
}

/** The newest revision of an invocation that is not deleted. */
export interface StoredInvocation {
  readonly traceId: string;
  readonly spanId: string;
  readonly startedAt: Timestamp;
  readonly ingestedAt: Timestamp;
  readonly promptHash: string;
  readonly variablesHash: string;
  readonly contentHash: string;
  readonly attributed: {
    readonly kind: AttributionKind;
    readonly prompt: string | null;
    readonly version: string | null;
    readonly owner: string | null;
  };
  readonly priced: StoredPrice;
}

/** What a stored call costs, and what that was concluded from. */
export interface StoredPrice {
  readonly of: Omit<PricedCall, 'startedAt'>;
  /** Null: not priced. */
  readonly price: CallPrice | null;
}

export interface QuarantineEntry {
  readonly id: string;
  readonly at: Timestamp;
  /** `span`: a reader failed on it; `row`: the store refused it; `trace`: it could not be settled. */
  readonly kind: 'span' | 'row' | 'trace';
  /** For rows: where it was to go. */
  readonly lane: TelemetryLane | '';
  readonly reason: string;
  readonly payload: string;
  readonly status: 'waiting' | 'replayed' | 'discarded';
}

/** From the first to the last of some facts, both included, by the clock of the replica that received them. */
export interface Received {
  readonly first: Timestamp;
  readonly last: Timestamp;
}

/** Whose calls are priced anew: those that began in `[from, to)`. */
export interface Period {
  readonly from: Timestamp;
  readonly to: Timestamp;
}

/** Traces, and keys that traces share, of which a replica has just stored facts. A row of `sightings`. */
export interface Sighting {
  readonly replica: string;
  /** Counts up in each replica. */
  readonly number: number;
  readonly traces: readonly string[];
  readonly keys: readonly string[];
  readonly received: Received;
  /** What it is about to price anew; null for nothing. */
  readonly repriced: Period | null;
}

/** What may be read at once. */
export interface FactLimits {
  readonly factsMax: number;
  /** Of one fact. */
  readonly bytesEachMax: number;
}

export interface TelemetryLog {
  /** Newline-separated JSON rows as they are. What is inserted twice counts once. */
  insertLines(lane: TelemetryLane, lines: Uint8Array): Promise<void>;

  /**
   * The facts of these traces, or those of them that were received then, each once. Null when they are too many, or
   * any of them is too long.
   */
  factsOfTraces(
    traceIds: readonly string[],
    limits: FactLimits,
    received?: Received,
  ): Promise<readonly StoredFacts[] | null>;
  /** How many facts a trace has, and bytes of them. */
  sizeOfTrace(traceId: string): Promise<{ readonly facts: number; readonly bytes: number }>;
  /**
   * The newest few facts for each of these response ids or twin keys (`src/ingest/content/shared-keys.ts`)
   * that were received since then.
   */
  factsSharing(
    column: 'response_id' | 'twin_key',
    values: readonly string[],
    since: Timestamp,
  ): Promise<readonly StoredFacts[]>;
  /** With the highest revision of any of their calls, those that were taken back included; 0 when there is none. */
  invocationsOfTraces(
    traceIds: readonly string[],
  ): Promise<{ readonly calls: readonly StoredInvocation[]; readonly revision: bigint }>;

  /** Traces that got facts since then, newest first. */
  recentTraces(since: Timestamp, limit: number): Promise<readonly { traceId: string; receivedAt: Timestamp }[]>;
  /** What facts that were received since then share with other traces, newest first; empty for none. */
  recentShared(
    since: Timestamp,
    limit: number,
  ): Promise<readonly { responseId: string; twinKey: string; receivedAt: Timestamp }[]>;
  /** What other replicas told within so many seconds, without those that are known already, each as `replica/number`. */
  sightings(replica: string, withinSeconds: number, known: readonly string[]): Promise<readonly Sighting[]>;
  /** At least the highest revision of any invocation; 0 when there is none. */
  highestRevision(): Promise<bigint>;
  /**
   * Has usage of the calls that were written since then added up anew: a process that was killed may
   * have written calls and not that it did. Once, at the start, before anybody asks.
   */
  distrustUsage(sinceRevision: bigint): Promise<void>;

  /** Whole message lists as packed JSON messages; unknown ones are missing. */
  messageLists(hashes: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  texts(hashes: readonly ContentHash[]): Promise<ReadonlyMap<ContentHash, string>>;

  quarantined(status: QuarantineEntry['status'] | 'any', limit: number): Promise<readonly QuarantineEntry[]>;
  quarantineEntry(id: string): Promise<QuarantineEntry | null>;
}
