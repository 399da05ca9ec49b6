/** Converts between `Timestamp` (RFC 3339, nine digits) and nanoseconds, milliseconds and user input. */

import type { Clock, Timestamp } from '../contract/time.ts';

const NANOS_PER_SECOND = 1_000_000_000n;
// The range of ClickHouse's DateTime64(9): 1900-01-01 to 2262-04-11. We also refuse times before 1970.
const MAX_SECONDS = 9_223_372_036n;

const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?(Z|z|[+-]\d{2}:\d{2})$/;

/** Nanoseconds since 1970 to a timestamp. Throws a RangeError outside 1970 to 2262. */
export function timestampFromNanos(nanos: bigint): Timestamp {
  const seconds = nanos / NANOS_PER_SECOND;
  if (nanos < 0n || seconds > MAX_SECONDS) throw new RangeError(`${nanos} ns is not a time between 1970 and 2262.`);
  const fraction = Number(nanos - seconds * NANOS_PER_SECOND);
  return `${secondOf(Number(seconds))}.${String(fraction).padStart(9, '0')}Z` as Timestamp;
}

// Times come in batches: one is often in the same second as the one before it.
let lastSeconds = Number.NaN;
let lastSecond = '';

/** Without fraction and zone. */
function secondOf(seconds: number): string {
  if (seconds !== lastSeconds) {
    lastSecond = new Date(seconds * 1000).toISOString().slice(0, 19);
    lastSeconds = seconds;
  }
  return lastSecond;
}

export function timestampFromMillis(millis: number): Timestamp {
  const date = new Date(millis);
  const iso = date.toISOString();
  if (millis < 0 || iso.length !== 24) throw new RangeError(`${millis} ms is not a time between 1970 and 2262.`);
  return `${iso.slice(0, 23)}000000Z` as Timestamp;
}

export function nanosFromTimestamp(timestamp: Timestamp): bigint {
  const millis = Date.parse(`${timestamp.slice(0, 19)}Z`);
  return BigInt(millis) * 1_000_000n + BigInt(timestamp.slice(20, 29));
}

export function millisFromTimestamp(timestamp: Timestamp): number {
  return Date.parse(`${timestamp.slice(0, 23)}Z`);
}

/**
 * Reads any RFC 3339 time (`2026-11-20T02:47:00Z`, offsets, 0 to 9 digits of a second), or null if
 * it is not one. Digits beyond the ninth are cut.
 */
export function parseTimestamp(text: string): Timestamp | null {
  const match = RFC3339.exec(text.trim());
  if (match === null) return null;
  const [, date, time, fraction = '', zone] = match;
  const millis = Date.parse(`${date}T${time}${zone === 'z' ? 'Z' : zone}`);
  if (!Number.isFinite(millis) || millis < 0) return null;
  // JavaScript rolls 31 February over to March; a time that does not exist is not a time.
  const day = Number(date?.slice(8));
  const month = Number(date?.slice(5, 7));
  if (day > new Date(Date.UTC(Number(date?.slice(0, 4)), month, 0)).getUTCDate()) return null;
  const whole = timestampFromMillis(millis);
  return `${whole.slice(0, 20)}${fraction.padEnd(9, '0')}Z` as Timestamp;
}

export function addMillis(timestamp: Timestamp, millis: number): Timestamp {
  return timestampFromNanos(nanosFromTimestamp(timestamp) + BigInt(Math.round(millis)) * 1_000_000n);
}

/** `later - earlier` in milliseconds. */
export function millisBetween(earlier: Timestamp, later: Timestamp): number {
  return Number((nanosFromTimestamp(later) - nanosFromTimestamp(earlier)) / 1_000_000n);
}

export const systemClock: Clock = {
  now: () => timestampFromMillis(Date.now()),
  monotonicMs: () => performance.now(),
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `30s`, `5m`, `1h30m`, `250ms` to milliseconds; null if it is not a duration. */
export function parseDuration(text: string): number | null {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/gy)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) return null;
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (DURATION_UNITS_MS[unit ?? ''] ?? 0), 0);
}

/** For people: `850ms`, `42s`, `3m 20s`, `2h 5m`, `4d 3h`. */
export function formatDuration(millis: number): string {
  if (millis < 1_000) return `${Math.round(millis)}ms`;
  const seconds = Math.round(millis / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return join(Math.floor(seconds / 60), 'm', seconds % 60, 's');
  if (seconds < 86_400) return join(Math.floor(seconds / 3_600), 'h', Math.floor((seconds % 3_600) / 60), 'm');
  return join(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3_600), 'h');
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;
}
