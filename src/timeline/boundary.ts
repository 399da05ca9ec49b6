/**
 * Boundaries between what was and what came next, as intervals that promise no more than the
 * evidence gives. Pure.
 */

import type { TimeInterval, Timestamp } from '../contract/time.ts';

export interface Dated {
  readonly from: TimeInterval;
  readonly until: TimeInterval;
}

/**
 * When one content gave way to the next: after it was last seen, by when the next was first seen;
 * exactly at `claimed`, if that lies between the two. A claim outside is of something else (a
 * version that was written long before its label moved, or a wrong clock) and narrows nothing.
 */
export function boundary(lastSeen: Timestamp | null, nextSeen: Timestamp, claimed: Timestamp | null): TimeInterval {
  if (claimed === null || claimed > nextSeen || (lastSeen !== null && claimed < lastSeen)) return [lastSeen, nextSeen];
  return [claimed, claimed];
}

/** True when the claim was not used: it is worth a word as evidence. */
export function liesOutside(claimed: Timestamp | null, [earliest, latest]: TimeInterval): boolean {
  if (claimed === null) return false;
  return (earliest !== null && claimed < earliest) || (latest !== null && claimed > latest);
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
