/** Which hours of calls are looked at: those that have ended, and whose calls have come. */

import type { Timestamp } from '../contract/time.ts';
import { addMillis, beginningOfHour } from '../lib/time.ts';

/** What is sent at the end of an hour is there by then. */
const GRACE_MS = 10 * 60_000;

/** The end of the last one. */
export function endOfEndedHours(now: Timestamp): Timestamp {
  return beginningOfHour(addMillis(now, -GRACE_MS));
}
