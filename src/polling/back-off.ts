/** How long to leave a source alone after failures. Pure. */

/** However long a source has been down, it is looked at this often: somebody may be repairing it. */
const PAUSE_MS_MAX = 300_000;

/**
 * Wait before the next scheduled poll, from the end of the last one. The first failure waits for
 * nothing but the interval; from the second on the wait doubles. A wait that the source asked for
 * is always kept.
 */
export function pauseMs(failuresInARow: number, everyMs: number, retryAfterMs: number | null): number {
  const doubled = failuresInARow < 2 ? 0 : everyMs * 2 ** Math.min(failuresInARow - 2, 20);
  const backOff = Math.min(doubled, Math.max(everyMs, PAUSE_MS_MAX));
  return Math.max(backOff, retryAfterMs ?? 0);
}

/**
 * A fixed delay after each tick, the same in every replica: sources with one interval are spread
 * over its beginning, and the distance between two polls of one source stays the interval.
 */
export function phaseMs(hash: string, everyMs: number, phaseMsMax: number): number {
  const fraction = Number.parseInt(hash.slice(0, 8), 16) / 0xffff_ffff;
  return Math.floor(fraction * Math.min(everyMs / 4, phaseMsMax));
}
