/**
 * Bodies of requests come in buffers beside V8's heap. By default V8 begins to go through its whole
 * heap for each 64 MB of them, although they are gone with the next scavenge: at 300 MB of telemetry
 * a second that was a third of all that the daemon did.
 */

import { setFlagsFromString } from 'node:v8';

// Where the flags are known to exist and to do this; an unknown one is complained about on stderr.
const V8_MAJOR = '13';
// So much more than after the last collection: twice the memory. By itself V8 waits for up to four times, and buffers would count too.
const GROWTH_PERCENT = 100;

/** Has buffers count as part of the heap that they belong to: it is collected when both together have grown by some part. To be called at the start. */
export function countBuffersWithHeap(v8Version = process.versions.v8): boolean {
  if (v8Version.split('.', 1)[0] !== V8_MAJOR) return false;
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  return true;
}
