import { describe, expect, test } from 'vitest';
import type { ChangedFeature, OutputChange, OutputStatus } from '../../src/contract/output-log.ts';
import { judgeOutputs } from '../../src/drift/judge-outputs.ts';
import { fingerprintOf } from '../../src/incidents/fingerprint.ts';
import { changedStatus, learningStatus, watchingStatus } from '../support/output-statuses.ts';
import { version } from '../support/prompts.ts';

const MODEL: ChangedFeature = {
  name: 'response_model',
  words: 'the answering model',
  before: '"gpt-5-2026-01-01"',
  now: '"gpt-5-2026-11-05"',
  log10Factor: 40,
  windowHours: 1,
};

function changed(more: Partial<OutputChange>): OutputStatus {
  const status = changedStatus();
  return { ...status, change: { ...(status.change as OutputChange), ...more } };
}

describe('the verdict about answers', () => {
  test('is none while they are learnt, and in sync while they are as before', () => {
    expect(judgeOutputs(learningStatus(), null)).toMatchObject({
      verdict: 'unverifiable',
      reason: 'outputs_not_known_yet',
    });
    expect(judgeOutputs(watchingStatus(), null)).toMatchObject({
      verdict: 'in_sync',
      reason: 'outputs_as_before',
      summary: 'greeting in production: the answers of gpt-5 to v1 are as before.',
    });
  });

  test('is a warning when they changed, and none where what is asked did', () => {
    expect(judgeOutputs(changed({ inputsChanged: false }), null)).toMatchObject({
      verdict: 'output_drift',
      severity: 'warning',
      reason: 'outputs_changed',
      summary:
        'greeting in production: the answers of gpt-5 to v1 changed: length in characters from 821 to 4, wording.',
    });
    const judgement = judgeOutputs(changed({ inputsChanged: true }), null);
    expect(judgement).toMatchObject({ severity: 'info', reason: 'outputs_and_inputs_changed' });
    expect(judgement.evidence.map(({ kind }) => kind)).toContain('inputs');
  });

  test.each([false, true])('says that another model answers, and warns, inputs changed: %s', (inputsChanged) => {
    const status = changed({ inputsChanged, features: [MODEL, ...(changedStatus().change?.features ?? [])] });
    const judgement = judgeOutputs(status, null);
    expect(judgement).toMatchObject({
      severity: 'warning',
      reason: 'answering_model_changed',
      summary:
        'greeting in production: the answers of gpt-5 to v1 changed: the answering model from "gpt-5-2026-01-01" to "gpt-5-2026-11-05", length in characters from 821 to 4.',
    });
    const said = judgement.evidence.some(({ words }) => words.includes('another model may count them otherwise'));
    expect(said).toBe(inputsChanged);
  });

  test('shows what was typical and examples, cut and on one line', () => {
    const examples = { before: ['a\n\nb', ''], since: ['x'.repeat(500)] };
    const { diff } = judgeOutputs(changed({}), version('1', 'Say hello.'), examples);
    expect(diff.split('\n').slice(2)).toEqual([
      '-length in characters: 821',
      '+length in characters: 4',
      '-e.g. a b',
      '-e.g. (empty)',
      `+e.g. ${'x'.repeat(240)}…`,
      '',
    ]);
  });

  test('is about one place for each version and model', () => {
    const all = [{}, { version: '2' }, { model: 'gpt-6' }, { environment: 'staging' }, { prompt: 'other' }];
    const fingerprints = all.map((more) => fingerprintOf(judgeOutputs(changedStatus(more), null)));
    expect(new Set(fingerprints).size).toBe(all.length);
    expect(fingerprintOf(judgeOutputs(learningStatus(), null))).toBe(fingerprints[0]);
  });
});
