/** What is concluded of calls beside what is declared of them, hour by hour. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BaselineStatus, HourOfMean } from '../../src/contract/baseline-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { addMillis } from '../../src/lib/time.ts';
import { acceptBaseline, followBaseline } from '../../src/statistics/declared-baseline.ts';
import { meanOfHours } from '../../src/statistics/mean-of-hours.ts';

const START = '2026-11-02T00:00:00.000000000Z' as Timestamp;
const HOUR_MS = 3_600_000;
const COST = 'cost_per_call_usd';
const ACCURACY = 'baseline_accuracy';

function at(hour: number): Timestamp {
  return addMillis(START, hour * HOUR_MS);
}

/** Hours of one metric as they pass, and what is known after each. */
class Course {
  status: BaselineStatus | null = null;
  declared: number;
  readonly #metric: string;
  #hours: HourOfMean[] = [];
  #hour = 0;

  constructor(declared: number, metric = COST) {
    this.declared = declared;
    this.#metric = metric;
  }

  get hour(): number {
    return this.#hour;
  }

  /** `means` repeat. */
  pass(hours: number, means: number | readonly number[], of = 50): this {
    const some = [means].flat();
    for (let each = 0; each < hours; each += 1) {
      if (of > 0) this.#hours.push({ hour: at(this.#hour), of, mean: some[each % some.length] as number });
      this.#hour += 1;
      this.look();
    }
    return this;
  }

  /** Until it is in that state; how many hours that took. */
  passUntil(state: BaselineStatus['state'], means: number | readonly number[], of = 50): number {
    for (let hours = 1; hours <= 400; hours += 1) {
      if (this.pass(1, [means].flat()[hours % [means].flat().length] as number, of).status?.state === state)
        return hours;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** What was written of hours is written anew. */
  restate(change: (hour: HourOfMean) => HourOfMean): this {
    this.#hours = this.#hours.map(change);
    return this;
  }

  accept(): this {
    if (this.status !== null) this.status = acceptBaseline(this.status, at(this.#hour));
    return this;
  }

  look(): this {
    const from = at(this.#hour - 336 < 0 ? 0 : this.#hour - 336);
    this.status = followBaseline(this.status, {
      series: { environment: 'production', prompt: 'greeting', version: '1', metric: this.#metric },
      declared: this.declared,
      at: at(this.#hour),
      hours: this.#hours.filter(({ hour }) => hour >= from),
      from,
      until: at(this.#hour),
    });
    return this;
  }
}

const LIKE_DECLARED = [0.0029, 0.0031, 0.0026, 0.0034];

describe('a cost', () => {
  test('that is as declared is within, as soon as there are enough hours to say so', () => {
    const course = new Course(0.003);
    expect(course.pass(5, LIKE_DECLARED).status).toMatchObject({ state: 'unknown', wasWithin: false, change: null });
    expect(course.passUntil('within', LIKE_DECLARED)).toBeLessThanOrEqual(10);
    expect(course.pass(300, LIKE_DECLARED).status).toMatchObject({ state: 'within', wasWithin: true });
  });

  test('that is less than declared is within', () => {
    expect(new Course(0.003).pass(200, [0.0001, 0.0002]).status).toMatchObject({ state: 'within' });
  });

  test('that doubles is off within a day and a half, since the hour in which it did, and no longer a day after it is back', () => {
    const course = new Course(0.003).pass(100, LIKE_DECLARED);
    const took = course.passUntil('off', [0.006, 0.0061]);
    expect(took).toBeGreaterThan(24);
    expect(took).toBeLessThan(36);
    expect(course.status?.change).toMatchObject({
      between: [at(99), at(101)],
      sinceHour: at(100),
      noticedAt: at(100 + took),
      wasWithin: true,
      callsADay: 24 * 50,
      measured: { mean: expect.closeTo(0.00605, 4), of: took * 50 },
      acceptedAt: null,
    });
    const beyond = course.status?.change?.beyond ?? 0;
    expect([beyond >= 0.003 * 1.25, beyond < 0.006]).toEqual([true, true]);
    const told = course.status?.change;
    expect(course.pass(100, [0.006, 0.0061]).status).toMatchObject({ state: 'off', change: told });
    const returned = course.passUntil('within', LIKE_DECLARED);
    expect([returned > 12, returned <= 26]).toEqual([true, true]);
    // What was off is no evidence any more.
    expect(course.pass(300, LIKE_DECLARED).status).toMatchObject({ state: 'within', change: null });
  });

  test('that is ten times as much is off within hours', () => {
    expect(new Course(0.003).pass(100, LIKE_DECLARED).passUntil('off', 0.03)).toBe(7);
  });

  test('that is a fifth more is nothing to tell', () => {
    expect(new Course(0.003).pass(100, LIKE_DECLARED).pass(400, [0.0036, 0.0035]).status).toMatchObject({
      change: null,
    });
  });

  test('that is twice as much each night is none of all calls', () => {
    const day = Array.from({ length: 24 }, (_, hour) => (hour < 8 ? 0.0055 : 0.0025));
    expect(new Course(0.003).pass(24 * 20, day).status).toMatchObject({ state: 'within', change: null });
  });

  test('that never was as declared is told as that', () => {
    const course = new Course(0.003);
    course.passUntil('off', [0.006, 0.0061]);
    expect(course.status).toMatchObject({ state: 'off', change: { wasWithin: false, between: [null, at(1)] } });
  });

  test('of few calls is not told, however absurd', () => {
    expect(new Course(0.003).pass(100, LIKE_DECLARED, 1).pass(6, 900, 1).status).toMatchObject({ change: null });
    expect(new Course(0.003).pass(15, 0.3, 1).status).toMatchObject({ change: null });
  });

  test('of calls that were priced too high is within once they are priced anew', () => {
    const course = new Course(0.003).pass(100, LIKE_DECLARED);
    course.passUntil('off', 0.009);
    course.restate(({ mean, ...hour }) => ({ ...hour, mean: mean === 0.009 ? 0.003 : mean }));
    expect(course.pass(15, 0.003).status).toMatchObject({ state: 'within', change: null });
  });

  test('declared as nothing can not be compared', () => {
    expect(new Course(0).pass(100, 0.003).status).toMatchObject({ state: 'unknown', change: null });
    expect(new Course(-1).pass(100, 0.003).status).toMatchObject({ state: 'unknown', change: null });
  });
});

describe('a score', () => {
  test('that falls is off; that rises is not', () => {
    const course = new Course(0.94, ACCURACY).pass(100, [0.92, 0.96, 0.94]);
    expect(course.status).toMatchObject({ state: 'within' });
    expect(course.pass(100, [0.99, 1]).status).toMatchObject({ state: 'within' });
    const took = course.passUntil('off', [0.8, 0.7]);
    expect(took).toBeLessThan(20);
    expect(course.status?.change).toMatchObject({ wasWithin: true, sinceHour: at(200), between: [at(199), at(201)] });
    const beyond = course.status?.change?.beyond ?? 0;
    expect([beyond > 0.75, beyond <= 0.92]).toEqual([true, true]);
    expect(course.passUntil('within', [0.93, 0.95, 0.94])).toBeLessThanOrEqual(26);
  });

  test('has the scale of what is declared, or of what is seen', () => {
    const five = new Course(4.2, ACCURACY).pass(100, [4.1, 4.3]);
    expect(five.status).toMatchObject({ state: 'within' });
    expect(five.passUntil('off', 3)).toBeLessThan(40);
    const ten = new Course(4.2, ACCURACY).pass(100, [5.4, 5]);
    expect(ten.status).toMatchObject({ state: 'within' });
    expect(ten.passUntil('off', 3)).toBeGreaterThan(40);
    // Beyond all scales.
    expect(new Course(400, ACCURACY).pass(100, 3).status).toMatchObject({ state: 'unknown', change: null });
    expect(new Course(0.9, ACCURACY).pass(100, 300).status).toMatchObject({ state: 'unknown', change: null });
  });
});

describe('what is off', () => {
  function off(): Course {
    const course = new Course(0.003).pass(100, LIKE_DECLARED);
    course.passUntil('off', 0.006);
    return course;
  }

  test('is told again when it is clearly worse', () => {
    const course = off();
    const first = course.status?.change;
    expect(course.pass(200, 0.0068).status?.change).toEqual(first);
    course.pass(60, 0.02);
    expect(course.status).toMatchObject({ state: 'off', change: { wasWithin: true } });
    expect(course.status?.change?.measured.mean).toBeGreaterThan(0.015);
    expect(course.status?.change?.noticedAt).not.toBe(first?.noticedAt);
  });

  test('stays accepted until it is clearly worse, and may return', () => {
    const course = off().accept();
    expect(course.pass(300, 0.006).status).toMatchObject({
      state: 'accepted',
      change: { acceptedAt: expect.any(String) },
    });
    expect(course.passUntil('off', 0.02)).toBeLessThan(30);
    expect(course.status).toMatchObject({ change: { acceptedAt: null, wasWithin: true } });
    const back = off().accept();
    back.passUntil('within', LIKE_DECLARED);
    expect(back.status).toMatchObject({ state: 'within', change: null });
    expect(back.passUntil('off', 0.006)).toBeLessThan(48);
  });

  test('is judged anew when something else is declared', () => {
    const course = off();
    course.declared = 0.006;
    expect(course.look().status).toMatchObject({ state: 'within', change: null, wasWithin: true });
    course.declared = 0.001;
    expect(course.look().status).toMatchObject({ state: 'off', change: { wasWithin: false, between: [null, at(4)] } });
  });

  test('is found also after a clock was ahead', () => {
    const course = new Course(0.003).pass(100, LIKE_DECLARED);
    if (course.status !== null) course.status = { ...course.status, comparedFrom: at(5_000), until: at(5_000) };
    expect(course.passUntil('off', 0.03)).toBeLessThan(12);
  });

  test('is the same after a pause without calls', () => {
    const course = off();
    const told = course.status?.change;
    expect(course.pass(30, 0, 0).status).toMatchObject({ state: 'off', change: told });
  });
});

describe('hours that are read at once', () => {
  test('tell a change that goes on, and none that is over', () => {
    const over = new Course(0.003).pass(100, LIKE_DECLARED).pass(60, 0.006).pass(60, LIKE_DECLARED);
    over.status = null;
    expect(over.look().status).toMatchObject({ state: 'within', change: null });
    const still = new Course(0.003).pass(100, LIKE_DECLARED).pass(60, 0.006);
    still.status = null;
    expect(still.look().status).toMatchObject({
      state: 'off',
      change: { sinceHour: at(100), wasWithin: true },
    });
  });
});

describe('whatever comes', () => {
  test('what is off has a mean beyond what is certain, which is beyond what is tolerated', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 0.5, noNaN: true })), {
          minLength: 1,
          maxLength: 120,
        }),
        fc.double({ min: 0.001, max: 0.3, noNaN: true }),
        (means, declared) => {
          const hours = means.map(([of, mean], hour) => ({ hour: at(hour), of, mean }));
          const status = followBaseline(null, {
            series: { environment: '', prompt: 'a', version: '1', metric: COST },
            declared,
            at: at(hours.length),
            hours,
            from: START,
            until: at(hours.length),
          });
          const { change } = status;
          expect(status.state === 'off').toBe(change !== null);
          if (change === null) return;
          expect(change.beyond).toBeGreaterThanOrEqual(declared * 1.25);
          expect(change.measured.mean).toBeGreaterThanOrEqual(change.beyond);
          const [after, by] = change.between;
          expect([after === null || after < change.sinceHour, String(by) > change.sinceHour]).toEqual([true, true]);
        },
      ),
    );
  });
});

describe('the mean of hours', () => {
  test('is that of their calls, and its margin is by how much hours differ', () => {
    expect(meanOfHours([])).toBeNull();
    const two = [
      { hour: at(0), of: 1, mean: 4 },
      { hour: at(1), of: 3, mean: 0 },
    ];
    expect(meanOfHours(two)).toEqual({ mean: 1, of: 4, margin: null });
    const equal = Array.from({ length: 30 }, (_, hour) => ({ hour: at(hour), of: 7, mean: 0.5 }));
    expect(meanOfHours(equal)).toEqual({ mean: 0.5, of: 210, margin: 0 });
    const days = Array.from({ length: 30 }, (_, hour) => ({ hour: at(hour), of: 1_000, mean: hour % 2 }));
    // Not less for having a thousand calls an hour: 0.5 · √(30/29) / √30 standard errors, 2.05 of them.
    expect(meanOfHours(days)?.margin).toBeCloseTo((2.05 * 0.5) / Math.sqrt(29), 2);
  });
});
