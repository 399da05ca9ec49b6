/**
 * How V8 collects garbage in a daemon that telemetry streams through. Bodies of requests come in
 * buffers beside V8's heap: by default it begins to go through its whole heap for each 64 MB of them,
 * although they are gone with the next scavenge. And each scavenge is shared with four helpers,
 * however few cores there are.
 */

import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';

// Where the flags are known to exist and to do this; an unknown one is complained about on stderr.
const V8_MAJOR = '13';
// With fewer, helpers only take turns with the thread that waits for them.
const CORES_FOR_HELPERS = 4;

/**
 * To be called at the start. False where this V8 is not known. `growthPercent`: so much more than after the last
 * collection V8 holds until the next. By itself it waits for up to four times, and buffers would count too.
 */
export function tuneGarbageCollection(
  growthPercent = 100,
  v8Version = process.versions.v8,
  cores = availableParallelism(),
): boolean {
  if (v8Version.split('.', 1)[0] !== V8_MAJOR) return false;
  // Buffers count as part of the heap that they belong to: it is collected when both together have grown by some part.
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
  // Asked about anew by each scavenge, and by nothing else.
  if (cores < CORES_FOR_HELPERS) setFlagsFromString('--no-parallel-scavenge');
  return true;
}
