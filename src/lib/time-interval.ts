/** A moment that somebody claims, against the interval in which it must lie. Pure. */

import type { TimeInterval, Timestamp } from '../contract/time.ts';
import { addMillis } from './time.ts';

const WHOLE_SECOND = /\.0{9}Z$/;

/**
 * The interval narrowed by the claim; null when the claim lies outside. Many places tell whole seconds
 * and cut the rest, so such a time also means the second that it begins.
 */
export function narrowed([earliest, latest]: TimeInterval, claimed: Timestamp): TimeInterval | null {
  if (latest !== null && claimed > latest) return null;
  if (earliest === null || claimed >= earliest) return [claimed, claimed];
  if (!WHOLE_SECOND.test(claimed)) return null;
  const end = addMillis(claimed, 1_000);
  if (end <= earliest) return null;
  return [earliest, latest !== null && latest < end ? latest : end];
}
