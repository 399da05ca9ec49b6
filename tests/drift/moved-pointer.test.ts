/** A pointer that moved is named in the evidence, beside what is said of the content. */

import { describe, expect, test } from 'vitest';
import type { HeldObservation } from '../../src/contract/observation.ts';
import { judge } from '../../src/drift/judge.ts';
import { held, registered } from '../support/store-samples.ts';

const versions = [registered('1', 'Be kind.'), registered('2', 'Be kind and brief.', { parent: '1' })];
const [, second] = versions;
const pin = {
  environment: 'production',
  prompt: 'greeting',
  version: '2',
  hash: second?.variants[0].hashes.strict ?? 'sha256:',
  rule: 'lockfile',
  origin: { file: 'prompts.lock.yaml' },
  since: null,
  by: null,
} as const;
const expected = { prompt: 'greeting', environment: 'production', pin, versions };

function words(previous: HeldObservation | null, now: HeldObservation): readonly string[] {
  const judged = judge(expected, {
    observation: now,
    siblings: [],
    previous,
    changed: [null, null],
    attribution: null,
  });
  return judged.evidence.filter(({ kind }) => kind === 'pointer').map((evidence) => evidence.words);
}

const named = (value: string, text: string, name = 'production'): HeldObservation =>
  held('01:00:00', text, { pointer: { name, value } });

describe('a pointer', () => {
  test('that moved is named with where it came from', () => {
    expect(words(named('2', 'Be kind and brief.'), named('1', 'Be kind.'))).toEqual([
      'the target names production 1',
      'production moved from 2 to 1',
    ]);
  });

  test.each([
    ['that stayed, while the text was edited,', named('2', 'Be kind and brief.'), named('2', 'Be rude.')],
    ['that was not there before', held('00:59:00', 'Be kind.'), named('1', 'Be kind.')],
    ['of which nothing is known before', null, named('1', 'Be kind.')],
    ['with another name', named('2', 'Be kind.', 'staging'), named('1', 'Be kind.')],
  ])('%s did not move', (_what, previous, now) => {
    expect(words(previous, now)).toHaveLength(1);
  });
});
