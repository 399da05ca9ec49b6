/** Ends the parts of the daemon, one after the other and each within its time. */

import type { Component } from '../contract/component.ts';
import { describeError } from '../contract/fault.ts';
import { settlesWithin } from '../lib/limits.ts';
import { formatDuration } from '../lib/time.ts';
import type { TellLog } from '../lib/trouble-log.ts';

export type Stoppable = Pick<Component, 'name' | 'stop'>;

/** A component gets this long to flush before the next one is stopped. */
const STOP_DEADLINE_MS = 10_000;
/** One that keeps its deadline to the moment is not late. */
const LATE_MS = 1_000;

/** Returns the names of those that did not end in their time; what they do goes on. */
export async function endInTurn(parts: Iterable<Stoppable>, log: TellLog): Promise<readonly string[]> {
  const unfinished: string[] = [];
  for (const part of parts) {
    const { name } = part;
    try {
      if (await settlesWithin(part.stop(STOP_DEADLINE_MS), STOP_DEADLINE_MS + LATE_MS)) continue;
      unfinished.push(name);
      log.error({}, `${name} did not stop within ${formatDuration(STOP_DEADLINE_MS)}`);
    } catch (error) {
      log.error({ error: describeError(error) }, `${name} did not stop cleanly`);
    }
  }
  return unfinished;
}
