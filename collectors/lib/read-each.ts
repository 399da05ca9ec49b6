/** Reads targets one by one, several at a time, when the place has no way to answer for many at once. */

import { describeError, isFault } from '../../src/contract/fault.ts';
import type { Reading, SourceTarget } from '../../src/contract/source.ts';

// The host lets eight requests through at once; more readers would only wait there.
const AT_ONCE = 8;
// A place that failed so often in a row is down, and asking for the rest would take a time-out each.
const FAILURES_IN_A_ROW_MAX = 16;

/**
 * Yields each reading as it comes. A `Fault` makes its own target unreachable, and all that remain
 * when the place asked us to wait or failed many times in a row. Another error is a bug of the
 * plugin: thrown at the end, when the rest has been read.
 */
export async function* readEach<Target>(
  targets: readonly SourceTarget<Target>[],
  signal: AbortSignal,
  read: (target: SourceTarget<Target>) => Promise<Reading>,
): AsyncIterable<Reading> {
  const running = new Map<string, Promise<Outcome>>();
  const queue = targets[Symbol.iterator]();
  let failuresInARow = 0;
  let bug: unknown = null;
  for (;;) {
    for (let next; running.size < AT_ONCE && (next = queue.next()).done !== true;) {
      running.set(next.value.id, settled(next.value.id, read(next.value)));
    }
    if (running.size === 0) break;
    const { target, reading, error } = await Promise.race(running.values());
    running.delete(target);
    signal.throwIfAborted();
    if (reading !== null) {
      failuresInARow = reading.outcome === 'unreachable' ? failuresInARow + 1 : 0;
      yield reading;
    } else if (isFault(error)) {
      failuresInARow += 1;
      if (error.kind === 'overloaded' || failuresInARow >= FAILURES_IN_A_ROW_MAX) throw error;
      yield unreachable(target, error);
    } else {
      bug ??= error;
    }
  }
  if (bug !== null) throw bug;
}

interface Outcome {
  readonly target: string;
  readonly reading: Reading | null;
  readonly error: unknown;
}

/** Never rejects: a reader that is left behind must not be an unhandled rejection. */
function settled(target: string, reading: Promise<Reading>): Promise<Outcome> {
  return reading.then(
    (value) => ({ target, reading: value, error: null }),
    (error: unknown) => ({ target, reading: null, error }),
  );
}

/** The reading for a target whose own question failed. */
export function unreachable(target: string, error: unknown): Reading {
  const later = isFault(error) && error.retryAfterMs !== undefined ? { retryAfterMs: error.retryAfterMs } : {};
  return { outcome: 'unreachable', target, reason: describeError(error), ...later };
}
