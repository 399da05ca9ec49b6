/** Has V8 go through the heap of this thread now: buffers that nobody has are given back only then. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | null = null;

/** Takes a tenth of a second or two. */
export function collectGarbage(): void {
  collect ??= collector();
  collect();
}

/** V8 has a function for it, which is there only where a flag asks for it. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
