/** How long what calls show is held to go on without any: of answers as of traffic. Pure. */

import type { Timestamp } from '../contract/time.ts';
import { addMillis, DAY_MS } from '../lib/time.ts';

/** What runs once a week may be late. */
export const CALLED_WITHIN_MS = 8 * DAY_MS;

/**
 * What was last called by then is called no more. By the newest call of all, and not by the clock: where nothing is called
 * at all, nobody may be listening.
 */
export function calledNoMoreBy(newestOfAll: Timestamp): Timestamp {
  return addMillis(newestOfAll, -CALLED_WITHIN_MS);
}
