/**
 * Conditions on when a call started, by the name of a parameter of type DateTime64. Each says the same
 * of the hour, which is what `invocations` is ordered by.
 */

import type { Timestamp } from '../../contract/time.ts';
import { millisFromTimestamp } from '../../lib/time.ts';

export function startedSince(from: string): string {
  return condition('>=', '>=', from);
}

/** Including that time. */
export function startedUntil(to: string): string {
  return condition('<=', '<=', to);
}

/** Not at that time any more. */
export function startedBefore(to: string): string {
  return condition('<', '<=', to);
}

/**
 * In one of some hours, which are a parameter of type Array(UInt32), in seconds since 1970. A list and not a range
 * each: after an import, or a new price, there are as many hours as it has.
 */
export function startedInHours(name: string): string {
  return `toUnixTimestamp(toStartOfHour(started_at)) IN {${name}:Array(UInt32)}`;
}

/** Since 1970, of the beginning of an hour. */
export function secondsOf(hour: Timestamp): number {
  return millisFromTimestamp(hour) / 1_000;
}

function condition(comparison: string, ofHours: string, name: string): string {
  const time = `{${name}:DateTime64(9, 'UTC')}`;
  return `started_at ${comparison} ${time} AND toStartOfHour(started_at) ${ofHours} toStartOfHour(${time})`;
}
