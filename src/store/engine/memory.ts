/**
 * How much memory the embedded engine may use, and how long it keeps what it has freed before it gives it back to the
 * system. Its allocator reads the latter once, when the engine's library is loaded: import this module before it.
 *
 * With the five seconds that the engine is built with, what one batch of rows had freed was given back
 * before the next batch came, and every page of it was a fault again: 1.1 of them for each span, a quarter
 * of what the engine's threads did on a virtual machine, where a fault costs ten times what it does on iron.
 * Where memory is short it is needed elsewhere in between.
 */

import { availableMemory, PLENTY_OF_MEMORY } from '../../lib/available-memory.ts';

const KEEP_MS = 60_000;
const KEEP_MS_IN_LITTLE = 1_000;

export interface EngineMemory {
  readonly bytesMax: number;
  /** Which part of their sizes its caches have, at most 1. */
  readonly cacheShare: number;
  /** Rows that it reads at a time, by so many threads (0: one for each core); null: as it likes. */
  readonly reading: { readonly rows: number; readonly threads: number } | null;
}

process.env['JE_MALLOC_CONF'] ??= `dirty_decay_ms:${keepMs(availableMemory())}`;

export function keepMs(availableBytes: number): number {
  return availableBytes < PLENTY_OF_MEMORY ? KEEP_MS_IN_LITTLE : KEEP_MS;
}

/** For whoever has the engine for himself: half of what there is. */
export function ownEngineMemory(availableBytes = availableMemory()): EngineMemory {
  return { bytesMax: Math.floor(availableBytes / 2), cacheShare: 1, reading: null };
}
