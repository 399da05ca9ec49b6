/** How long an alert is tried, and when a row without a job needs one. Pure. */

import type { Fault } from '../contract/fault.ts';
import type { Delivery } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { millisBetween } from '../lib/time.ts';

/** 2, 4, 8 … seconds between attempts, and 13 attempts: a receiver may be away for two hours. */
export const ATTEMPTS_MAX = 13;
export const BACKOFF_MS = 2_000;

/** Beyond the wait that its next attempt is due after, this long with no sign of life means that its job is lost. */
const LOST_AFTER_MS = 10 * 60_000;
/** Who says "later" is there, and so many alerts may be in line that two hours are over before the last. */
const PATIENCE_MS = 24 * 3_600_000;
const COME_BACK_MS_MIN = 1_000;
const COME_BACK_MS_MAX = 3_600_000;
/** A row whose incident never came: the daemon died between the two, and the problem went away by itself. */
const ORPHANED_AFTER_MS = 3_600_000;

export function isStranded(delivery: Delivery, now: Timestamp): boolean {
  const waitMs = delivery.attempts === 0 ? 0 : BACKOFF_MS * 2 ** (Math.min(delivery.attempts, ATTEMPTS_MAX) - 1);
  const quietMs = millisBetween(delivery.updatedAt, now);
  // A time to come was written by a clock that was ahead, and says nothing of how long it has been quiet.
  return quietMs > waitMs + LOST_AFTER_MS || quietMs < -LOST_AFTER_MS;
}

export function isOrphaned(delivery: Delivery, now: Timestamp): boolean {
  return millisBetween(delivery.createdAt, now) > ORPHANED_AFTER_MS;
}

/** True when a receiver that asked for patience has had it. */
export function isOutOfPatience(delivery: Delivery, now: Timestamp): boolean {
  return millisBetween(delivery.createdAt, now) > PATIENCE_MS;
}

/** When to ask a receiver again that has too much to do: as it said. */
export function comeBackMs(fault: Fault, delivery: Delivery, backoffMs: number): number {
  const asked = fault.retryAfterMs ?? backoffMs * 2 ** Math.min(delivery.attempts, 8);
  return Math.min(Math.max(asked, COME_BACK_MS_MIN), COME_BACK_MS_MAX);
}
