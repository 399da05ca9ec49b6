/**
 * The embedded engine's threads step back for the daemon's own. Under load there are more of them
 * than cores, and everything that the daemon does waits for its one thread; the engine's work is
 * bounded by what that thread hands over. V8's helpers step back half as far.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const THREADS = '/proc/self/task';
// A tenth of the weight of a thread that does not step back; a core that is idle is theirs all the same.
const NICE = 10;
// V8's helpers mark and compile beside the daemon's thread, and at times it waits for them: they come between.
const HELPERS_NICE = 5;
const V8_HELPERS = 'V8Worker';
/** Nearly always asleep. */
const NOT_THE_ENGINES = new Set(['DelayedTaskSche', 'SignalInspector']);

/**
 * To be called when the engine is open: threads that it starts later do as those that start them.
 * Node's threads for files are among them, since it is they that run statements. Does nothing where
 * threads have no priorities of their own (macOS).
 */
export function letEngineStepBack(): void {
  for (const id of threads()) {
    try {
      const name = readFileSync(`${THREADS}/${id}/comm`, 'utf8').trim();
      if (!NOT_THE_ENGINES.has(name)) setPriority(id, name === V8_HELPERS ? HELPERS_NICE : NICE);
    } catch {
      // It has ended, or this is not allowed here: then it stays as it was.
    }
  }
}

function threads(): number[] {
  try {
    return readdirSync(THREADS)
      .map(Number)
      .filter((id) => id !== process.pid);
  } catch {
    return [];
  }
}
