/**
 * Points in time. Inside Plumbline, in its API, its queue and its rows a time is a `Timestamp`:
 * RFC 3339, UTC, with exactly nine fractional digits. Fixed width makes string order time order,
 * and nothing is lost between a span's nanoseconds, JSON and ClickHouse's DateTime64(9).
 */

/** e.g. `2026-11-20T02:47:00.000000000Z`. Compare with `<` and `>`. Make one with `lib/time.ts`. */
export type Timestamp = string & { readonly __brand: 'Timestamp' };

/** Something happened no earlier than the first and no later than the second. `null`: not bounded on that side. */
export type TimeInterval = readonly [earliest: Timestamp | null, latest: Timestamp | null];

/** The wall clock, injected wherever a decision depends on it, so that tests can turn it. */
export interface Clock {
  now(): Timestamp;
  /** Never goes back; for durations and timeouts. Milliseconds from an arbitrary start. */
  monotonicMs(): number;
}
