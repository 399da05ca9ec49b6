/**
 * Bodies of requests come in buffers beside V8's heap. By default V8 begins to go through its whole
 * heap for each 64 MB of them, although they are gone with the next scavenge: at 300 MB of telemetry
 * a second that was a third of all that the daemon did.
 */

import { setFlagsFromString } from 'node:v8';

// Where the flag is known to exist and to do this; an unknown one is complained about on stderr.
const V8_MAJOR = '13';

/** Has buffers count as part of the heap that they belong to: it is collected when both together have grown. To be called at the start. */
export function countBuffersWithHeap(v8Version = process.versions.v8): boolean {
  if (v8Version.split('.', 1)[0] !== V8_MAJOR) return false;
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  return true;
}
