/**
 * How much memory the embedded engine may use, and how long it keeps what it has freed before it gives it back to the
 * system. Its allocator reads the latter once, when the engine's library is loaded: import this module before it.
 *
 * With the five seconds that the engine is built with, what one batch of rows had freed was given back
 * before the next batch came, and every page of it was a fault again: 1.1 of them for each span, a quarter
 * of what the engine's threads did on a virtual machine, where a fault costs ten times what it does on iron.
 */

import { totalmem } from 'node:os';

const KEEP_MS = 60_000;

process.env['JE_MALLOC_CONF'] ??= `dirty_decay_ms:${KEEP_MS}`;

/** Half of what there is: of the machine, or of the container, which may be a small part of it. */
export function engineBytesMax(machineBytes = totalmem(), containerBytes = process.constrainedMemory()): number {
  return Math.floor((containerBytes > 0 ? Math.min(machineBytes, containerBytes) : machineBytes) / 2);
}
