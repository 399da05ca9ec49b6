/** What hours say against a limit on their mean: how rarely they do so by chance, and that few calls say little. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALARM_LOG_EXCESS, beginningOf, logExcess, weightsOf, type ExcessHour } from '../../src/statistics/excess.ts';
import { seededRandom } from '../support/random.ts';

const hours = fc.array(
  fc.record({ of: fc.integer({ min: 1, max: 1_000_000 }), badness: fc.double({ min: 0, max: 1e9, noNaN: true }) }),
  { minLength: 1, maxLength: 60 },
);

function of(badness: number, count: number, calls = 10): ExcessHour[] {
  return Array.from({ length: count }, () => ({ of: calls, badness }));
}

describe('what comes by chance', () => {
  test.each([
    ['at the limit, of a few calls whose costs are very different', 1, 2],
    ['within it, by day and night', 0.8, 1],
  ])('%s, reaches a value as rarely as it says', (_, mean, spread) => {
    const random = seededRandom(20_261_201);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const [months, hoursOfMonth, once] = [100, 300, 1_000];
    let reached = 0;
    for (let month = 0; month < months; month += 1) {
      const level = (hour: number): number => mean * (1 + (spread === 1 ? 0.5 * Math.sin((hour * Math.PI) / 12) : 0));
      const some = Array.from({ length: hoursOfMonth }, (_hour, hour) => {
        return { of: 1, badness: level(hour) * Math.exp(spread * normal() - (spread * spread) / 2) };
      });
      if (some.some((_hour, at) => logExcess(some.slice(0, at + 1)) >= Math.log(once))) reached += 1;
    }
    // The expectation of the sum after so many hours is at most their number.
    expect(reached / months).toBeLessThanOrEqual(hoursOfMonth / once);
  });

  test('does not grow with hours that are within the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 200 }), (all) => {
        const some = all.map((badness) => ({ of: 1, badness }));
        expect(logExcess(some)).toBeLessThanOrEqual(Math.log(some.length) + 1e-9);
      }),
    );
  });
});

describe('what is worse', () => {
  test('is never less certain for being worse still', () => {
    fc.assert(
      fc.property(hours, fc.nat(), fc.double({ min: 0, max: 100, noNaN: true }), (some, at, more) => {
        const index = at % some.length;
        const worse = some.map((hour, each) => (each === index ? { ...hour, badness: hour.badness + more } : hour));
        expect(logExcess(worse)).toBeGreaterThanOrEqual(logExcess(some) - 1e-9);
      }),
    );
  });

  test('takes seven hours at least, however much worse', () => {
    expect(logExcess(of(1e9, 6))).toBeLessThan(ALARM_LOG_EXCESS);
    expect(logExcess(of(1e9, 7))).toBeGreaterThan(ALARM_LOG_EXCESS);
  });

  test('takes the longer the less it is worse', () => {
    const needed = (badness: number): number => {
      for (let count = 1; ; count += 1) if (logExcess(of(badness, count)) >= ALARM_LOG_EXCESS) return count;
    };
    expect([needed(10), needed(2), needed(1.6), needed(1.2)]).toEqual([7, 22, 32, 76]);
  });

  test('in hours with few calls weighs no more than those calls', () => {
    const nights = Array.from({ length: 60 }, (_, hour) =>
      hour % 2 === 0 ? { of: 1_000, badness: 0.8 } : { of: 5, badness: 9 },
    );
    expect(weightsOf(nights)[1]).toBeLessThan(0.01);
    // As good as nothing: one more with each hour.
    expect(logExcess(nights)).toBeLessThanOrEqual(Math.log(nights.length));
  });
});

describe('the beginning', () => {
  test('is the hour from which on it was worse, and no other where hours are alike', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 1.2, max: 50, noNaN: true }),
        (before, since, worse) => {
          const found = beginningOf([...of(0.8, before), ...of(worse, since)], 0.8);
          expect(found).toEqual({ at: before, earliest: before, latest: before });
        },
      ),
    );
  });

  test('is uncertain where hours differ', () => {
    const random = seededRandom(7);
    const noisy = (mean: number, count: number): ExcessHour[] =>
      Array.from({ length: count }, () => ({ of: 10, badness: mean * (0.2 + 1.6 * random.next()) }));
    const { at, earliest, latest } = beginningOf([...noisy(0.8, 60), ...noisy(1.4, 60)], 0.8);
    expect([earliest < at || latest > at, earliest <= 60 && latest >= 60, latest - earliest < 24]).toEqual([
      true,
      true,
      true,
    ]);
  });
});
