import { describe, expect, test } from 'vitest';
import type { ChangedFeature, Output, OutputFeatures } from '../../src/contract/output-log.ts';
import { describeChange } from '../../src/statistics/describe-change.ts';
import { FEATURES, featuresOf } from '../../src/statistics/output-features.ts';
import { output } from '../support/generated-outputs.ts';

const change = (name: string, logScore: number) => {
  return { feature: FEATURES.findIndex((feature) => feature.name === name), logScore, windowHours: 4 };
};
const some = (count: number, text: string | null, more: Partial<Output> = {}): OutputFeatures[] =>
  Array.from({ length: count }, () => featuresOf(output(text, more)));

/** `name: before > now`. */
function told(changes: readonly (readonly [string, number])[], before: OutputFeatures[], since: OutputFeatures[]) {
  const described = describeChange(
    changes.map(([name, logScore]) => change(name, logScore)),
    { before, since },
  );
  return described.map(({ name, before: was, now }: ChangedFeature) => `${name}: ${was} > ${now}`);
}

describe('a change in words', () => {
  const old = { responseModel: 'gpt-4o-2024-05-13' };
  const newer = { responseModel: 'gpt-4o-2024-08-06' };

  test('says which model answers now, however much else changed', () => {
    const changes = [
      ['characters', 500],
      ['words', 400],
      ['response_model', 60],
    ] as const;
    expect(told(changes, some(9, 'Yes.', old), some(5, 'It is so.', newer))).toEqual([
      'response_model: "gpt-4o-2024-05-13" > "gpt-4o-2024-08-06"',
      'characters: 4 > 9',
      'words: 1 > 3',
    ]);
    expect(
      told([['response_model', 60]], some(9, 'Yes.', old), [...some(3, 'Yes.', old), ...some(1, 'Yes.', newer)]),
    ).toEqual(['response_model: "gpt-4o-2024-05-13" > "gpt-4o-2024-08-06" in 25 %']);
  });

  test('names the word that lost most, and the one that gained most', () => {
    const before = [...some(6, 'Yes, it is.'), ...some(4, 'No.')];
    const since = [...some(1, 'Yes, it is.'), ...some(4, 'No.'), ...some(5, '{"a": 1}')];
    expect(told([['first_word', 60]], before, since)).toEqual(
      ['first_word: "yes," in 60 % > "{"a":" in 50 %'].map((text) => text.replace('{"a":', String.raw`{\"a\":`)),
    );
    expect(told([['json_keys', 60]], before, since)).toEqual(['json_keys: none > "a" in 50 %']);
  });

  test('leaves out of a share what is not known', () => {
    const since = [...some(2, '{"a": 1}'), ...some(8, null)];
    expect(told([['json', 60]], some(4, 'Yes.'), since)).toEqual(['json: 0 % > 100 %']);
    expect(told([['json_keys', 60]], some(4, 'Yes.'), since)).toEqual(['json_keys: none > "a"']);
    expect(told([['json_keys', 60]], some(4, null), since)).toEqual(['json_keys: not known > "a"']);
  });
});
