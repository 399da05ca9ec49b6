/** Asks a place several questions at a time, and keeps the answers apart from the failures. */

import { describeError, isFault } from '../../src/contract/fault.ts';
import type { Reading, SourceTarget } from '../../src/contract/source.ts';

// The host lets eight requests through at once; more readers would only wait there.
const AT_ONCE = 8;
// A place that failed so often in a row is down, and asking for the rest would take a time-out each.
const FAILURES_IN_A_ROW_MAX = 16;

/** One question for each target. */
export function readEach<Target>(
  targets: readonly SourceTarget<Target>[],
  signal: AbortSignal,
  read: (target: SourceTarget<Target>) => Promise<Reading>,
): AsyncIterable<Reading> {
  return readGroups(
    targets.map((target) => [target] as const),
    signal,
    async ([target]) => [await read(target)],
  );
}

/**
 * One question for each group of targets. Yields readings as they come. A `Fault` makes its own
 * group unreachable, and all that remain when the place asked us to wait or failed many times in a
 * row. Another error is a bug of the plugin: thrown at the end, when the rest has been read.
 */
export async function* readGroups<Target, Group extends readonly SourceTarget<Target>[]>(
  groups: readonly Group[],
  signal: AbortSignal,
  read: (group: Group) => Promise<readonly Reading[]>,
): AsyncIterable<Reading> {
  const running = new Map<Group, Promise<Outcome<Group>>>();
  const queue = groups[Symbol.iterator]();
  let failuresInARow = 0;
  let bug: unknown = null;
  for (;;) {
    for (let next; running.size < AT_ONCE && (next = queue.next()).done !== true;) {
      running.set(next.value, settled(next.value, read(next.value)));
    }
    if (running.size === 0) break;
    const { group, readings, error } = await Promise.race(running.values());
    running.delete(group);
    signal.throwIfAborted();
    if (readings !== null) {
      const isFailure = readings.length > 0 && readings.every((reading) => reading.outcome === 'unreachable');
      failuresInARow = isFailure ? failuresInARow + 1 : 0;
      yield* readings;
    } else if (isFault(error)) {
      failuresInARow += 1;
      if (error.kind === 'overloaded' || failuresInARow >= FAILURES_IN_A_ROW_MAX) throw error;
      yield* group.map((target) => unreachable(target.id, error));
    } else {
      bug ??= error;
    }
  }
  if (bug !== null) throw bug;
}

interface Outcome<Group> {
  readonly group: Group;
  readonly readings: readonly Reading[] | null;
  readonly error: unknown;
}

/** Never rejects: a reader that is left behind must not be an unhandled rejection. */
function settled<Group>(group: Group, readings: Promise<readonly Reading[]>): Promise<Outcome<Group>> {
  return readings.then(
    (value) => ({ group, readings: value, error: null }),
    (error: unknown) => ({ group, readings: null, error }),
  );
}

/** The reading for a target whose own question failed. */
export function unreachable(target: string, error: unknown): Reading {
  const later = isFault(error) && error.retryAfterMs !== undefined ? { retryAfterMs: error.retryAfterMs } : {};
  return { outcome: 'unreachable', target, reason: describeError(error), ...later };
}
