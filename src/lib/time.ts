/** Converts between `Timestamp` (RFC 3339, nine digits) and nanoseconds, milliseconds and user input. */

import type { Clock, Timestamp } from '../contract/time.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const NANOS_PER_SECOND = 1_000_000_000n;
// DateTime64(9) ends in 2262, but the hours and days that tables are ordered and asked by are ClickHouse's
// DateTime, which begins in 1970 and starts again from there in 2106: a later call would hide all others.
const LATEST_SECONDS = 4_291_747_199n;
const LATEST_NANOS = LATEST_SECONDS * NANOS_PER_SECOND + 999_999_999n;

// And what people copy: ` UTC`, as our own alerts write it, and ISO 8601 without seconds. Never without a zone.
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[Tt]| +)(\d{2}:\d{2})(?:(:\d{2})(?:\.(\d{1,9})\d*)?)? ?(Z|z|UTC|[+-]\d{2}:\d{2})$/;

/** Nanoseconds since 1970 to a timestamp. Throws a RangeError outside 1970 to 2105. */
export function timestampFromNanos(nanos: bigint): Timestamp {
  if (nanos < 0n || nanos > LATEST_NANOS) throw new RangeError(`${nanos} ns is not a time between 1970 and 2105.`);
  const seconds = nanos / NANOS_PER_SECOND;
  const fraction = Number(nanos - seconds * NANOS_PER_SECOND);
  return `${secondOf(Number(seconds))}.${String(fraction).padStart(9, '0')}Z` as Timestamp;
}

// Times come in batches, mostly of the last minutes: the text of each second is made once. A new
// second replaces the one that is as far from it as there are places.
const KNOWN_SECONDS = 1_024;
const knownSeconds = Array.from({ length: KNOWN_SECONDS }, () => -1);
const knownTexts = Array.from({ length: KNOWN_SECONDS }, () => '');

/** Without fraction and zone. */
function secondOf(seconds: number): string {
  const slot = seconds % KNOWN_SECONDS;
  if (knownSeconds[slot] !== seconds) {
    knownTexts[slot] = new Date(seconds * 1000).toISOString().slice(0, 19);
    knownSeconds[slot] = seconds;
  }
  return knownTexts[slot] as string;
}

function isInRange(millis: number): boolean {
  return millis >= 0 && millis < (Number(LATEST_SECONDS) + 1) * 1_000;
}

/** Throws a RangeError outside 1970 to 2105. */
export function timestampFromMillis(millis: number): Timestamp {
  if (!isInRange(millis)) throw new RangeError(`${millis} ms is not a time between 1970 and 2105.`);
  return `${new Date(millis).toISOString().slice(0, 23)}000000Z` as Timestamp;
}

export function nanosFromTimestamp(timestamp: Timestamp): bigint {
  const millis = Date.parse(`${timestamp.slice(0, 19)}Z`);
  return BigInt(millis) * 1_000_000n + BigInt(timestamp.slice(20, 29));
}

export function millisFromTimestamp(timestamp: Timestamp): number {
  return Date.parse(`${timestamp.slice(0, 23)}Z`);
}

/**
 * Reads any RFC 3339 time (`2026-11-20T02:47:00Z`, offsets, 0 to 9 digits of a second), also without seconds or
 * with `UTC`, or null if it is not one, or not between 1970 and 2105. Digits beyond the ninth are cut.
 */
export function parseTimestamp(text: string): Timestamp | null {
  const match = TIME.exec(text.trim());
  if (match === null) return null;
  const [, date, minutes, seconds = ':00', fraction = '', zone = 'Z'] = match;
  const millis = Date.parse(`${date}T${minutes}${seconds}${/^[+-]/.test(zone) ? zone : 'Z'}`);
  if (!isInRange(millis)) return null;
  // JavaScript rolls 31 February over to March; a time that does not exist is not a time.
  const day = Number(date?.slice(8));
  const month = Number(date?.slice(5, 7));
  if (day > new Date(Date.UTC(Number(date?.slice(0, 4)), month, 0)).getUTCDate()) return null;
  const whole = timestampFromMillis(millis);
  return `${whole.slice(0, 20)}${fraction.padEnd(9, '0')}Z` as Timestamp;
}

/** The same, or a day such as `2026-11-20`, which is its beginning in UTC. */
export function parseDay(text: string): Timestamp | null {
  return parseTimestamp(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
}

/** Of UTC. */
export function beginningOfHour(time: Timestamp): Timestamp {
  return timestampFromMillis(Math.floor(millisFromTimestamp(time) / HOUR_MS) * HOUR_MS);
}

/** The first or the last time there is where the sum is beyond it. */
export function addMillis(timestamp: Timestamp, millis: number): Timestamp {
  return nearestTimestamp(nanosFromTimestamp(timestamp) + BigInt(Math.round(millis)) * 1_000_000n);
}

/** As `timestampFromNanos`; what is outside becomes the nearest time there is. */
export function nearestTimestamp(nanos: bigint): Timestamp {
  if (nanos < 0n) return timestampFromNanos(0n);
  return timestampFromNanos(nanos > LATEST_NANOS ? LATEST_NANOS : nanos);
}

/** `later - earlier` in milliseconds and their fractions, as exact as a number is. */
export function exactMillisBetween(earlier: Timestamp, later: Timestamp): number {
  const nanos = Number(later.slice(20, 29)) - Number(earlier.slice(20, 29));
  const isSameMinute = earlier.startsWith(later.slice(0, 17));
  const seconds = isSameMinute
    ? Number(later.slice(17, 19)) - Number(earlier.slice(17, 19))
    : (Date.parse(`${later.slice(0, 19)}Z`) - Date.parse(`${earlier.slice(0, 19)}Z`)) / 1_000;
  return (seconds * 1e9 + nanos) / 1e6;
}

/** `later - earlier` in milliseconds. */
export function millisBetween(earlier: Timestamp, later: Timestamp): number {
  return Number((nanosFromTimestamp(later) - nanosFromTimestamp(earlier)) / 1_000_000n);
}

/**
 * A stored time that is later than now by more than this was written while a clock was ahead (or is read while ours is
 * behind); replicas' clocks and rows made a moment later on purpose differ by less.
 */
export const CLOCKS_DIFFER_MS_MAX = 60_000;

export const systemClock: Clock = {
  now: () => timestampFromMillis(Date.now()),
  monotonicMs: () => performance.now(),
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
};

/** `30s`, `5m`, `1h30m`, `250ms` to milliseconds; null if it is not a duration. */
export function parseDuration(text: string): number | null {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/gy)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) return null;
  const millis = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (DURATION_UNITS_MS[unit ?? ''] ?? 0),
    0,
  );
  return Number.isFinite(millis) ? millis : null;
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

/** Null is no time: of one and null it is the one. */
export function laterOf(a: Timestamp, b: Timestamp | null): Timestamp;
export function laterOf(a: Timestamp | null, b: Timestamp | null): Timestamp | null;
export function laterOf(a: Timestamp | null, b: Timestamp | null): Timestamp | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

export function earlierOf(a: Timestamp, b: Timestamp): Timestamp {
  return a < b ? a : b;
}
