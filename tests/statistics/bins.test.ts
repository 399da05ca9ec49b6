import { describe, expect, test } from 'vitest';
import { binsOf, countOutputs, offsetsOf, ofFeature, outputsIn, sizeOf } from '../../src/statistics/bins.ts';
import { FEATURES, featuresOf } from '../../src/statistics/output-features.ts';
import { featuresIn, output } from '../support/generated-outputs.ts';
import { seededRandom } from '../support/random.ts';

const random = seededRandom(20_261_201);
const reference = Array.from({ length: 400 }, () => featuresIn('careful', random));
const bins = binsOf(reference);
const offsets = offsetsOf(bins);

function countsOf(name: string, counts: readonly number[]): readonly number[] {
  const index = FEATURES.findIndex((feature) => feature.name === name);
  return counts.slice(offsets[index], offsets[index + 1]);
}

describe('bins of a reference', () => {
  test('hold each output once in each feature, whatever it is', () => {
    const others = [...reference, featuresIn('essay', random), featuresOf(output(null)), featuresOf(output(''))];
    const counts = countOutputs(bins, others);
    for (const { name } of FEATURES)
      expect(countsOf(name, counts).reduce((sum, count) => sum + count, 0)).toBe(others.length);
    expect(counts).toHaveLength(offsets.at(-1) as number);
    expect(offsets).toHaveLength(FEATURES.length + 1);
  });

  test('hold about as many of it each, for a number that hardly repeats', () => {
    const index = FEATURES.findIndex(({ name }) => name === 'wording_1');
    const counts = countsOf('wording_1', countOutputs(bins, reference));
    const filled = counts.slice(0, 8);
    expect(sizeOf(bins[index] as (typeof bins)[number])).toBe(9);
    for (const count of filled) expect(Math.abs(count - reference.length / 8)).toBeLessThanOrEqual(2);
  });

  test('give a value that many of it have a bin of its own', () => {
    const known = Array.from({ length: 100 }, (_, at) => featuresOf(output(at < 60 ? 'OK' : 'x'.repeat(at))));
    const own = binsOf(known);
    const index = FEATURES.findIndex(({ name }) => name === 'characters');
    expect(own[index]).toMatchObject({ atoms: [Math.fround(Math.log1p(2))] });
  });

  test('keep what is not known apart', () => {
    const counts = countOutputs(bins, [featuresOf(output(null))]);
    const known = new Set(['input_tokens', 'finish_reason', 'tools', 'response_model']);
    expect(FEATURES.map(({ name }) => [name, countsOf(name, counts).at(-1)])).toEqual(
      FEATURES.map(({ name }) => [name, known.has(name) ? 0 : 1]),
    );
    const whole = offsets.map((start, feature) => ofFeature(counts, offsets, feature).length + 1 + start);
    expect(whole.slice(0, -1)).toEqual(offsets.slice(1));
    expect(outputsIn(counts, offsets)).toBe(1);
  });

  test('put words that it had seldom or never together', () => {
    const counts = countOutputs(bins, [featuresOf(output('Zounds! A word that it never began with.'))]);
    expect(countsOf('first_word', counts).at(-2)).toBe(1);
    expect(countsOf('response_model', counts)).toEqual([1, 0, 0]);
  });
});
