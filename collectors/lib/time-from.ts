/** Reads the times that APIs give, in whatever form. Pure. */

import type { Timestamp } from '../../src/contract/time.ts';
import { parseTimestamp, timestampFromMillis } from '../../src/lib/time.ts';

// Seconds since 1970 stay below this until the year 5138; milliseconds were above it in 1973.
const SECONDS_BELOW = 1e11;

/** RFC 3339 (without a zone: UTC), or seconds or milliseconds since 1970. Null for anything else: a wrong time is worse than none. */
export function timeFrom(value: unknown): Timestamp | null {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) {
    const millis = value < SECONDS_BELOW ? value * 1000 : value;
    return millis < 8.64e15 && millis < 9.2e12 ? timestampFromMillis(Math.floor(millis)) : null;
  }
  if (typeof value !== 'string' || value === '') return null;
  if (/^\d{9,13}$/.test(value)) return timeFrom(Number(value));
  return parseTimestamp(value) ?? parseTimestamp(`${value}Z`);
}

/** As an optional field of a `LiveContent`. */
export function editedAt(value: unknown): { readonly editedAt?: Timestamp } {
  const time = timeFrom(value);
  return time === null ? {} : { editedAt: time };
}
