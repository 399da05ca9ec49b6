/**
 * Boundaries between what was and what came next, as intervals that promise no more than the
 * evidence gives. Pure.
 */

import type { TimeInterval, Timestamp } from '../contract/time.ts';
import { narrowed } from '../lib/time-interval.ts';

export interface Dated {
  readonly from: TimeInterval;
  readonly until: TimeInterval;
}

/**
 * When one content gave way to the next: after it was last seen, by when the next was first seen;
 * exactly at `claimed` (or in the second that it names), if that lies between the two. A claim outside is of something else (a
 * version that was written long before its label moved, or a wrong clock) and narrows nothing.
 */
export function boundary(lastSeen: Timestamp | null, nextSeen: Timestamp, claimed: Timestamp | null): TimeInterval {
  const between: TimeInterval = [lastSeen, nextSeen];
  return claimed === null ? between : (narrowed(between, claimed) ?? between);
}

/** True when the claim was not used: it is worth a word as evidence. */
export function liesOutside(claimed: Timestamp | null, between: TimeInterval): boolean {
  return claimed !== null && narrowed(between, claimed) === null;
}

/**
 * The entry that was active at `time` as far as is known: it had certainly begun, and nothing had
 * certainly followed. Inside an uncertain interval that is the one before; its `until` says so.
 */
export function isActive({ from, until }: Dated, time: Timestamp): boolean {
  return from[1] !== null && from[1] <= time && (until[1] === null || time < until[1]);
}

/** True when it may have been active at some moment of [from, to]. */
export function overlaps(entry: Dated, from: Timestamp, to: Timestamp): boolean {
  const beganAfter = entry.from[0] !== null && entry.from[0] > to;
  const endedBefore = entry.until[1] !== null && entry.until[1] < from;
  return !beganAfter && !endedBefore;
}

/** Oldest first, by when they had begun at the latest. */
export function byBeginning(a: Dated, b: Dated): number {
  const first = a.from[1] ?? '';
  const second = b.from[1] ?? '';
  return first < second ? -1 : first > second ? 1 : 0;
}
