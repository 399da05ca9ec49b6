/** How much the ingest holds, and how long it waits: everything in it has a limit. */

import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from '../otlp/limits.ts';
import { DEFAULT_TEXT_LIMITS, type TextLimits } from './content/texts.ts';

export interface IngestLimits {
  readonly decode: DecodeLimits;
  readonly texts: TextLimits;
  readonly spoolBytesMax: number;
  readonly spoolSegmentBytesMax: number;
  /** Of the disk, for the store's writes that are under way. */
  readonly spoolKeepFreeBytes: number;
  /** What a sender is told when the spool is full. */
  readonly retryAfterMs: number;
  /** Spooled rows held in memory until they are in the store; beyond it they are read from the spool. */
  readonly recentBytesMax: number;
  /** Rows of all tables together that are loaded at once. What an insert costs beside its rows, and how often rows are merged, falls with it. */
  readonly batchBytesMax: number;
  /**
   * While more than so many of them wait to be loaded by a store that works, or loading or settling is so far behind,
   * requests wait, so long at most.
   */
  readonly pacedBytes: number;
  readonly pacedLagMs: number;
  readonly pacedMsMax: number;
  /** Facts held in memory to be settled, and bytes of their lines; beside those a fact takes about 1 KB. */
  readonly windowFactsMax: number;
  readonly windowBytesMax: number;
  /** Facts of one trace that are settled together, and bytes; what comes beyond is settled apart. */
  readonly traceFactsMax: number;
  readonly traceBytesMax: number;
  readonly retainMs: number;
  /** Facts that are settled in one round, and bytes: few inserts, and each written within a moment. */
  readonly roundFactsMax: number;
  readonly roundBytesMax: number;
  /** How long a small batch waits for more before it is loaded; half of it with several replicas. */
  readonly lingerMs: number;
  /** A trace of which nothing came for so long is settled; one of which something comes, after the second. */
  readonly quietMs: number;
  readonly provisionalMs: number;
  /** Rounds of settling begin so long after one another, unless more is due than one takes, or there are several replicas. */
  readonly roundEveryMs: number;
  /** First wait after the store failed; it doubles up to the next. */
  readonly storeBackoffMs: number;
  readonly storeBackoffMaxMs: number;
  /** An insert that takes longer is said to be trouble. */
  readonly storeStalledMs: number;
  /** Traces, and as many keys that traces share, that are remembered as possibly stored; two bytes each. */
  readonly seenTracesMax: number;
  /** How often is looked for what other replicas tell. */
  readonly sightingsMs: number;
}

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  decode: DEFAULT_DECODE_LIMITS,
  texts: DEFAULT_TEXT_LIMITS,
  spoolBytesMax: 4 * 1024 * 1024 * 1024,
  spoolSegmentBytesMax: 32 * 1024 * 1024,
  // Half of what the embedded store keeps free: it is the first to stop.
  spoolKeepFreeBytes: 128 * 1024 * 1024,
  retryAfterMs: 5_000,
  recentBytesMax: 96 * 1024 * 1024,
  batchBytesMax: 24 * 1024 * 1024,
  pacedBytes: 20 * 1024 * 1024,
  pacedLagMs: 800,
  pacedMsMax: 500,
  windowFactsMax: 60_000,
  windowBytesMax: 160 * 1024 * 1024,
  traceFactsMax: 20_000,
  traceBytesMax: 32 * 1024 * 1024,
  retainMs: 30_000,
  roundFactsMax: 10_000,
  roundBytesMax: 24 * 1024 * 1024,
  lingerMs: 800,
  quietMs: 1_200,
  provisionalMs: 2_500,
  roundEveryMs: 800,
  storeBackoffMs: 250,
  storeBackoffMaxMs: 15_000,
  storeStalledMs: 30_000,
  seenTracesMax: 4_000_000,
  sightingsMs: 400,
};
