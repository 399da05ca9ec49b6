import { describe, expect, test } from 'vitest';
import type { HourOfSamples, Output, OutputFeatures } from '../../src/contract/output-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { addMillis } from '../../src/lib/time.ts';
import { baselineOf } from '../../src/statistics/output-baseline.ts';
import { countOutputs, offsetsOf } from '../../src/statistics/bins.ts';
import { beginningOf, logReturned } from '../../src/statistics/change-point.ts';
import { ALARM_LOG_SCORE, logBayesFactor, scan, WINDOW_HOURS, type Scan } from '../../src/statistics/change-scan.ts';
import { FEATURES, featuresOf } from '../../src/statistics/output-features.ts';
import { overdispersionByWindow, overdispersionOf } from '../../src/statistics/overdispersion.ts';
import { sumOfRows } from '../../src/statistics/sum-of-rows.ts';
import { featuresIn, output, outputText, poisson, type Style } from '../support/generated-outputs.ts';
import { seededRandom, type Random } from '../support/random.ts';

const HOUR_MS = 3_600_000;
const START = '2026-11-01T00:00:00.000000000Z' as Timestamp;
const WEEK = 168;
const OUTPUTS = FEATURES.flatMap(({ isInput }, index) => (isInput ? [] : index));

describe('the Bayes factor of one window', () => {
  test('is what the beta-binomial distribution says', () => {
    // Before: 9.5 and 0.5 with the prior; the window: 1 and 3. By hand, with rising factorials.
    const rising = (from: number, count: number): number =>
      Array.from({ length: count }, (_, index) => from + index).reduce((product, one) => product * one, 1);
    const likelihood = (a: number, b: number): number => (rising(a, 1) * rising(b, 3)) / rising(a + b, 4);
    const same = likelihood(9.5, 0.5);
    const own = [4, 16, 64].map((concentration) => likelihood(concentration * 0.95, concentration * 0.05));
    const expected = Math.log(own.reduce((sum, one) => sum + one / 3, 0) / same);
    expect(logBayesFactor([1, 3], [10, 3])).toBeCloseTo(expected, 12);
  });

  test('of nothing is 1, and grows with what speaks for a change', () => {
    expect(logBayesFactor([0, 0], [40, 40])).toBe(0);
    expect(logBayesFactor([5, 5], [1_005, 1_005])).toBeLessThan(0.1);
    expect(logBayesFactor([0, 20], [1_000, 20])).toBeGreaterThan(logBayesFactor([0, 10], [1_000, 10]));
    expect(logBayesFactor([0, 10], [1_000, 10])).toBeGreaterThan(ALARM_LOG_SCORE);
    // As much, from something that varies so much by itself, is less.
    expect(logBayesFactor([0, 10], [1_000, 10], 5)).toBeLessThan(ALARM_LOG_SCORE);
    expect(Number.isFinite(logBayesFactor([0, 1_000_000], [1_000_000, 1_000_000]))).toBe(true);
  });
});

/** Scores of each hour after a week of learning, of outputs that `pick` gives. */
function scores(hours: number, pick: (hour: number) => OutputFeatures[], isTempered = true): readonly Scan[] {
  const all: HourOfSamples[] = Array.from({ length: WEEK + hours }, (_, index) => ({
    hour: addMillis(START, index * HOUR_MS),
    samples: pick(index).map((features, at) => ({
      ...features,
      traceId: `${index}`,
      spanId: `${at}`,
      startedAt: addMillis(START, index * HOUR_MS),
    })),
  }));
  const until = addMillis(START, WEEK * HOUR_MS);
  const baseline = baselineOf({
    series: { environment: 'production', prompt: 'p', version: '1', model: 'm' },
    madeAt: until,
    from: START,
    until,
    hours: all.slice(0, WEEK),
  });
  const rows = all.slice(WEEK).map(({ samples }) => countOutputs(baseline.bins, samples));
  return rows.map((_, at) => {
    const windows = WINDOW_HOURS.filter((length) => length <= at + 1).map((length) =>
      sumOfRows(rows.slice(at + 1 - length, at + 1), baseline.counts.length),
    );
    return scan(
      {
        offsets: offsetsOf(baseline.bins),
        overdispersion: isTempered ? baseline.overdispersion : [],
        all: sumOfRows([baseline.counts, ...rows.slice(0, at + 1)], baseline.counts.length),
        windows,
      },
      OUTPUTS,
    );
  });
}

function some(random: Random, style: Style, mean = 10): OutputFeatures[] {
  return Array.from({ length: poisson(mean, random) }, () => featuresIn(style, random));
}

describe('the scan', () => {
  test.each<[Style, number]>([
    ['json', 11],
    ['chatty', 12],
    ['careful', 13],
    ['essay', 14],
  ])('is silent for weeks about %s that stays the same', (style, seed) => {
    const random = seededRandom(seed);
    const logs = scores(2 * WEEK, () => some(random, style)).map(({ logScore }) => logScore);
    expect(Math.max(...logs)).toBeLessThan(ALARM_LOG_SCORE / 2);
  });

  test.each<[Style, Style, number, readonly string[]]>([
    [
      'json',
      'chatty',
      1,
      [
        'json',
        'characters',
        'json_keys',
        'first_word',
        'digits',
        'last_character',
        'spaces',
        'sentence_length',
        'lines',
      ],
    ],
    ['chatty', 'essay', 2, ['characters', 'words', 'first_word', 'first_two_words', 'distinct_words', 'output_tokens']],
    ['chatty', 'careful', 30, ['refusal', 'first_word', 'first_two_words', 'non_ascii', 'wording_1', 'last_character']],
  ])('finds %s becoming %s within %i hours, and what it is', (from, to, hours, names) => {
    const random = seededRandom(21);
    const found = scores(48, (hour) => some(random, hour < WEEK ? from : to));
    const at = found.findIndex(({ logScore }) => logScore >= ALARM_LOG_SCORE);
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThan(hours);
    const [first] = found[at]?.features ?? [];
    expect(names).toContain(FEATURES[first?.feature ?? 0]?.name);
  });

  test('finds a model that answers under another name, and that it is the name', () => {
    const random = seededRandom(22);
    const pick = (hour: number): OutputFeatures[] =>
      Array.from({ length: 10 }, () =>
        featuresIn('chatty', random, hour < WEEK ? {} : { responseModel: 'model-a-2026-11-01' }),
      );
    const [first] = scores(2, pick);
    expect(first?.logScore).toBeGreaterThan(ALARM_LOG_SCORE);
    expect(FEATURES[first?.features[0]?.feature ?? 0]?.name).toBe('response_model');
  });

  test.each<[string, Partial<Output>]>([
    ['texts', { text: null }],
    ['texts and tools', { text: null, tools: null }],
    ['output tokens', { outputTokens: null }],
    ['finish reasons', { finishReason: '' }],
    ['the name of the model that answers', { responseModel: '' }],
  ])('is silent when %s are no longer reported, or begin to be', (_, unknown) => {
    for (const isBefore of [true, false]) {
      const random = seededRandom(24);
      const pick = (hour: number): OutputFeatures[] =>
        Array.from({ length: 10 }, () => {
          const known = output(outputText('chatty', random));
          return featuresOf(hour < WEEK === isBefore ? known : { ...known, ...unknown });
        });
      const logs = scores(48, pick).map(({ logScore }) => logScore);
      expect(Math.max(...logs)).toBeLessThan(ALARM_LOG_SCORE / 2);
    }
  });

  test('of answers that are all the same takes one odd one for chance, and finds others within an hour', () => {
    const same = featuresOf(output('OK', { inputTokens: 400 }));
    const [odd, other] = [featuresOf(output('I am not sure. What do you mean?')), featuresOf(output('FAILED'))];
    const pick = (hour: number): OutputFeatures[] => {
      if (hour >= WEEK + 40) return Array.from({ length: 10 }, () => other);
      return [...Array.from({ length: 9 }, () => same), hour % 20 === 10 && hour > WEEK ? odd : same];
    };
    const logs = scores(41, pick).map(({ logScore }) => logScore);
    expect(Math.max(...logs.slice(0, 40))).toBeLessThan(ALARM_LOG_SCORE);
    expect(logs[40]).toBeGreaterThan(ALARM_LOG_SCORE);
  });

  test('of one answer an hour finds within hours what all of them show', () => {
    const random = seededRandom(25);
    const pick = (hour: number): OutputFeatures[] => [featuresIn(hour < 2 * WEEK ? 'json' : 'chatty', random)];
    const logs = scores(WEEK + 24, pick).map(({ logScore }) => logScore);
    expect(Math.max(...logs.slice(0, WEEK))).toBeLessThan(ALARM_LOG_SCORE / 2);
    const found = logs.slice(WEEK).findIndex((log) => log >= ALARM_LOG_SCORE);
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThan(12);
  });

  test('is not misled by what is asked differently at night', () => {
    const highest = (isTempered: boolean): number => {
      const random = seededRandom(23);
      const styleAt = (hour: number): Style => (random.next() < (hour % 24 < 8 ? 0.8 : 0.3) ? 'essay' : 'chatty');
      const pick = (hour: number): OutputFeatures[] =>
        Array.from({ length: poisson(10, random) }, () => featuresIn(styleAt(hour), random));
      return Math.max(...scores(WEEK, pick, isTempered).map(({ logScore }) => logScore));
    };
    expect(highest(true)).toBeLessThan(ALARM_LOG_SCORE);
    // It would be, if hours counted for what chance alone makes of them.
    expect(highest(false)).toBeGreaterThan(ALARM_LOG_SCORE);
  });
});

describe('overdispersion', () => {
  test('is about 1 for chance alone, and more where hours differ', () => {
    const random = seededRandom(31);
    const row = (share: number): number[] => {
      const of = poisson(20, random);
      const first = Array.from({ length: of }, () => random.next()).filter((one) => one < share).length;
      return [first, of - first];
    };
    const even = Array.from({ length: WEEK }, () => row(0.5));
    const uneven = Array.from({ length: WEEK }, (_, hour) => row(hour % 24 < 12 ? 0.2 : 0.8));
    expect(overdispersionOf(even)).toBeGreaterThanOrEqual(1);
    expect(overdispersionOf(even)).toBeLessThan(1.6);
    expect(overdispersionOf(uneven)).toBeGreaterThan(5);
  });

  test('is more of the hours of a night together than of one, and no more of whole days', () => {
    const random = seededRandom(32);
    const rows = Array.from({ length: 2 * WEEK }, (_, hour) => {
      const first = poisson(hour % 24 < 12 ? 16 : 4, random);
      return [first, poisson(20 - (hour % 24 < 12 ? 16 : 4), random)];
    });
    const byWindow = overdispersionByWindow(rows, WINDOW_HOURS);
    expect(byWindow).toHaveLength(WINDOW_HOURS.length);
    const [one = 0, , four = 0] = byWindow;
    expect(four).toBeGreaterThan(2 * one);
    expect(byWindow.at(-1)).toBe(Math.max(...byWindow));
    const days = rows.map((_, hour) => rows[(hour * 25) % 24] as number[]);
    expect(overdispersionByWindow(days, [24])).toEqual([1]);
  });

  test('says nothing where there is nothing to compare', () => {
    expect(overdispersionOf([])).toBe(1);
    expect(overdispersionOf([[5, 0]])).toBe(1);
    expect(
      overdispersionOf([
        [0, 0],
        [3, 0],
      ]),
    ).toBe(1);
  });
});

describe('a change that is certain', () => {
  const before = [400, 400, 200];
  const rowsOf = (random: Random, changedAt: number, hours: number): number[][] =>
    Array.from({ length: hours }, (_, hour) => {
      const shares = hour < changedAt ? [0.4, 0.8] : [0.1, 0.2];
      const row = [0, 0, 0];
      for (let one = 0; one < 20; one += 1) {
        const chance = random.next();
        const bin = shares.findIndex((share) => chance < share);
        row[bin === -1 ? 2 : bin] = (row[bin === -1 ? 2 : bin] as number) + 1;
      }
      return row;
    });

  test.each([0, 3, 17, 29])('began in hour %i of thirty', (changedAt) => {
    const hours = rowsOf(seededRandom(41), changedAt, 30);
    const { at, earliest, latest } = beginningOf([{ before, hours, overdispersion: 1 }]);
    expect(earliest).toBeLessThanOrEqual(changedAt);
    expect(latest).toBeGreaterThanOrEqual(changedAt);
    expect(Math.abs(at - changedAt)).toBeLessThanOrEqual(1);
    expect(latest - earliest).toBeLessThanOrEqual(2);
  });

  test('is over when the outputs are as before, and not while they are not', () => {
    const random = seededRandom(42);
    const sumOf = (rows: readonly number[][]): number[] => sumOfRows(rows, 3);
    const since = sumOf(rowsOf(random, 0, 20));
    const compare = (last: readonly number[]): number => logReturned([{ overdispersion: 1, before, since, last }]);
    expect(compare(sumOf(rowsOf(random, 4, 4)))).toBeGreaterThan(Math.log(720));
    expect(compare(sumOf(rowsOf(random, 0, 4)))).toBeLessThan(0);
  });
});
