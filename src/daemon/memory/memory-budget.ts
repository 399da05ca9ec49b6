/**
 * How the memory that there is for the daemon is shared out. Pure. With plenty of it everything has what it was measured
 * with; in a container with less, whatever has a bound gets a smaller one: telemetry that comes faster is refused then,
 * and sent again, where the system would have ended the process.
 */

import { DEFAULT_OTLP_LIMITS, type OtlpLimits } from '../../../collectors/otlp/limits.ts';
import { DEFAULT_INGEST_LIMITS, type IngestLimits } from '../../ingest/limits.ts';
import { PLENTY_OF_MEMORY } from '../../lib/available-memory.ts';
import type { MemoryShares } from '../../lib/memory-shares.ts';
import type { EngineMemory } from '../../store/engine/memory.ts';

const MIB = 1024 * 1024;

/** With less the daemon may be ended under load, whatever it refuses. Measured: docs/operations.md. */
export const MEMORY_MIN = 1024 * MIB;
// The code, what is loaded at the start, and the engine with nothing to do: no limit makes it less.
const FIXED = 256 * MIB;
// With a still smaller part of each batches and bodies would be too small to be of use.
const SHARE_MIN = 1 / 8;

// Beside the engine's part there must be one for the daemon, and for the files that the kernel reads for both.
const ENGINE_PART = { least: 0.25, most: 0.5 };
// So many rows it reads at a time by itself, in each thread: of long texts a quarter of a gigabyte, and more than it may have.
const READING_ROWS = 65_409;
const SHARE_FOR_THREADS = 0.5;
// How much more than after the last collection V8 may hold until the next: twice the memory. Often collected costs time.
const GROWTH_PERCENT = { least: 50, most: 100 };
// Of what there is: from the first on, nothing more is taken until there is less than the second. What was taken before
// has to find room beside it, and what else runs in the container.
const SHORT_PART = 0.72;
const CALM_PART = 0.64;

export interface MemoryBudget {
  /** What it is a budget of. */
  readonly availableBytes: number;
  readonly shares: MemoryShares;
  readonly heapGrowthPercent: number;
  readonly engine: EngineMemory;
  readonly ingest: Partial<IngestLimits>;
  /** Whether requests may be drafted in a thread of its own, which has a heap and a memory of texts of its own. */
  readonly allowsDraftingThread: boolean;
  readonly otlp: OtlpLimits;
  /** See `MemoryWatch`. */
  readonly watch: { readonly shortBytes: number; readonly calmBytes: number };
}

/** `availableBytes`: see `availableMemory`. */
export function memoryBudget(availableBytes: number): MemoryBudget {
  const share = Math.min(1, Math.max(SHARE_MIN, (availableBytes - FIXED) / (PLENTY_OF_MEMORY - FIXED)));
  const between = ({ least, most }: { least: number; most: number }): number => least + share * (most - least);
  const part = (whole: number): number => Math.floor(whole * share);
  // They shrink more slowly than what comes and goes: what is not found in one that is too small is read from the store
  // and written there anew, which takes more memory than it saves.
  const caches = Math.sqrt(share);
  const limits = DEFAULT_INGEST_LIMITS;
  const inFlightBytesMax = part(DEFAULT_OTLP_LIMITS.inFlightBytesMax);
  return {
    availableBytes,
    shares: { caches, spareRooms: share },
    heapGrowthPercent: Math.round(between(GROWTH_PERCENT)),
    engine: {
      bytesMax: Math.floor(availableBytes * between(ENGINE_PART)),
      cacheShare: caches,
      reading: share === 1 ? null : { rows: part(READING_ROWS), threads: share < SHARE_FOR_THREADS ? 1 : 0 },
    },
    ingest: {
      recentBytesMax: part(limits.recentBytesMax),
      batchBytesMax: part(limits.batchBytesMax),
      pacedBytes: part(limits.pacedBytes),
      windowFactsMax: part(limits.windowFactsMax),
      windowBytesMax: part(limits.windowBytesMax),
      traceFactsMax: part(limits.traceFactsMax),
      traceBytesMax: part(limits.traceBytesMax),
      roundFactsMax: part(limits.roundFactsMax),
      roundBytesMax: part(limits.roundBytesMax),
    },
    allowsDraftingThread: share === 1,
    otlp: {
      ...DEFAULT_OTLP_LIMITS,
      inFlightBytesMax,
      // A body that was compressed is in flight twice: one that is not taken now must be so at a quieter time.
      bodyBytesMax: Math.min(DEFAULT_OTLP_LIMITS.bodyBytesMax, Math.floor(inFlightBytesMax / 2)),
    },
    watch: {
      shortBytes: Math.floor(availableBytes * SHORT_PART),
      calmBytes: Math.floor(availableBytes * CALM_PART),
    },
  };
}

/** What to say where it is not enough; null where it is. */
export function tooLittleMemory({ availableBytes }: MemoryBudget): string | null {
  if (availableBytes >= MEMORY_MIN) return null;
  const [has, least] = [availableBytes, MEMORY_MIN].map((bytes) => `${Math.floor(bytes / MIB)} MiB`);
  return `There are ${has} of memory for the daemon; with less than ${least} the system may end it under load.`;
}

/** What to do about it. */
export const TOO_LITTLE_MEMORY_HINT =
  'Raise the limit of the container (Kubernetes: `resources.limits.memory`; Docker: `--memory`).';
