/** Times at the ends of their range, and what lies between two of them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addMillis,
  exactMillisBetween,
  nanosFromTimestamp,
  nearestTimestamp,
  parseDuration,
  parseTimestamp,
  timestampFromNanos,
} from '../../src/lib/time.ts';

const LATEST_NANOS = 4_291_747_199_999_999_999n;
const nanos = fc.bigInt({ min: 0n, max: LATEST_NANOS });

describe('times', () => {
  it('come back as they were, whatever seconds were written before', () => {
    fc.assert(
      fc.property(fc.array(nanos, { maxLength: 20 }), (all) => {
        expect(all.map((each) => nanosFromTimestamp(timestampFromNanos(each)))).toEqual(all);
      }),
    );
  });

  it('end with 2105: behind it there is nothing, and what is added ends there', () => {
    const latest = timestampFromNanos(LATEST_NANOS);
    expect(latest).toBe('2105-12-31T23:59:59.999999999Z');
    expect(() => timestampFromNanos(LATEST_NANOS + 1n)).toThrow('not a time between 1970 and 2105');
    expect(nearestTimestamp(2n ** 64n)).toBe(latest);
    expect(addMillis(latest, 1)).toBe(latest);
    expect(addMillis(timestampFromNanos(0n), -1)).toBe('1970-01-01T00:00:00.000000000Z');
    expect(parseTimestamp('2106-01-01T00:00:00Z')).toBeNull();
    expect(parseTimestamp('2105-12-31T23:59:59Z')).toBe('2105-12-31T23:59:59.000000000Z');
  });

  it('are as far apart as their nanoseconds say, in the same minute or not', () => {
    const apart = fc.oneof(fc.bigInt({ min: -90_000_000_000n, max: 90_000_000_000n }), nanos);
    fc.assert(
      fc.property(nanos, apart, (start, by) => {
        const end = start + by;
        if (end < 0n || end > LATEST_NANOS) return;
        const between = exactMillisBetween(timestampFromNanos(start), timestampFromNanos(end));
        expect(between).toBeCloseTo(Number(by) / 1e6, by > 1_000_000_000_000n ? -1 : 5);
      }),
      { numRuns: 1_000 },
    );
  });
});

it.each([
  ['2026-11-20T02:47:00Z', '2026-11-20T02:47:00.000000000Z'],
  ['2026-11-20t02:47:00.5z', '2026-11-20T02:47:00.500000000Z'],
  ['2026-11-20T02:47:00.123456789987+01:00', '2026-11-20T01:47:00.123456789Z'],
  ['2026-11-20T00:30+05:45', '2026-11-19T18:45:00.000000000Z'],
  // As alerts, verbs and the page write it.
  ['2026-11-20 02:41:40.527 UTC', '2026-11-20T02:41:40.527000000Z'],
  ['2026-11-20 02:41 UTC', '2026-11-20T02:41:00.000000000Z'],
  // Whose time would that be?
  ['2026-11-20T02:47:00', null],
  ['2026-11-20 02:47', null],
  ['2026-11-20', null],
  ['2026-02-30T02:47Z', null],
  ['2026-11-20T02:47.5Z', null],
  ['2026-11-20T25:47Z', null],
  ['2026-11-20T02:47:00 CET', null],
  ['yesterday 14:00', null],
  ['1795956930', null],
])('reads %s as %s', (text, time) => {
  expect(parseTimestamp(text)).toBe(time);
});

it('a duration without end is none', () => {
  expect(parseDuration('1h30m')).toBe(5_400_000);
  expect(parseDuration(`${'9'.repeat(400)}d`)).toBeNull();
});
