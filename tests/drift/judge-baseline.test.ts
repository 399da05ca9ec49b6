import { describe, expect, it } from 'vitest';
import { judgeBaseline } from '../../src/drift/judge-baseline.ts';
import { acceptedStatus, offStatus, withinStatus } from '../support/baseline-statuses.ts';
import { version } from '../support/prompts.ts';

const V3 = version('3', 'Be brief.', { prompt: 'greeting', metrics: { cost_per_call_usd: 0.003 } });

describe('judgeBaseline', () => {
  it('says what is declared, what is measured, since when, how many calls, which models and how much a day', () => {
    const judgement = judgeBaseline(offStatus(), V3);
    expect(judgement).toMatchObject({
      verdict: 'off_baseline',
      severity: 'warning',
      reason: 'left_declared_baseline',
      summary:
        'greeting in production: the cost of a call of v3 is $0.00621, not $0.003 as declared, about $3.82 a day more.',
      target: 'baseline:cost_per_call_usd/greeting',
      part: 'v3',
      expected: { version: '3' },
      observed: { version: '3', hash: null, text: null },
      changedBetween: ['2026-11-30T01:00:00.000000000Z', '2026-11-30T03:00:00.000000000Z'],
    });
    expect(judgement.diff).toBe(
      [
        '--- v3 as declared: metrics.cost_per_call_usd in prompts/intent-3.yaml:1',
        '+++ v3 as measured, off since between 2026-11-30 01:00:00 and 03:00:00 UTC (seen 2h apart)',
        '-cost of a call: $0.003',
        '+cost of a call: $0.00621 ±$0.0002',
        '-input tokens of a call, before: 812',
        '+input tokens of a call, since: 1,930',
        '-input tokens from a cache, before: 80 %',
        '+input tokens from a cache, since: 10 %',
        '-models, before: gpt-5-mini 100 %',
        '+models, since: gpt-5 56 %, gpt-5-mini 44 %',
        '',
      ].join('\n'),
    );
    expect(judgement.evidence.map(({ kind, words }) => `${kind}: ${words}`)).toEqual([
      'measured: $0.00621 ±$0.0002: the mean of 1,240 priced calls since',
      'chance: it is more than $0.00452 with certainty: by chance so much comes once a month among a thousand versions',
      'declared: metrics.cost_per_call_usd: 0.003 (prompts/intent-3.yaml:1)',
      'before: it was within what is declared before',
      'money: $3.82 a day more, for 1,190 calls a day',
      'models: calls since: gpt-5 56 %, gpt-5-mini 44 %',
      'left_out: of 1,260 calls since, 20 are not priced and 12 failed',
      expect.stringMatching(/^if_right: resolve the incident if this is right/),
    ]);
  });

  it('tells a declaration that calls never were near as that, and no more', () => {
    const status = offStatus({}, { wasWithin: false, between: [null, offStatus().until], callsBefore: null });
    expect(judgeBaseline(status, V3)).toMatchObject({
      severity: 'info',
      reason: 'never_within_declared_baseline',
      summary:
        'greeting in production: the cost of a call of v3 is $0.00621 and was not seen near $0.003: what is declared is off, about $3.82 a day more.',
      diff: expect.not.stringContaining(', before:'),
    });
  });

  it('says of scores what was judged', () => {
    const status = {
      ...offStatus(
        { metric: 'baseline_accuracy' },
        { measured: { mean: 0.8112, of: 300, margin: null }, beyond: 0.88 },
      ),
      declared: 0.94,
    };
    const judgement = judgeBaseline(status, V3);
    expect(judgement).toMatchObject({
      summary: 'greeting in production: the accuracy of v3 is 0.811, not 0.94 as declared.',
      target: 'baseline:baseline_accuracy/greeting',
    });
    expect(judgement.evidence.map(({ words }) => words).join('\n')).toContain(
      '0.811: the mean of 300 judgements called accuracy since\nit is less than 0.88 with certainty',
    );
    expect(judgement.evidence.map(({ kind }) => kind)).not.toContain('money');
  });

  it('is no warning where nothing is in front of customers', () => {
    expect(judgeBaseline(offStatus({ environment: 'staging' }), V3).severity).toBe('info');
  });

  it.each([
    ['within', withinStatus(), 'not_off_declared_baseline'],
    ['taken as normal', acceptedStatus(), 'accepted_off_baseline'],
  ])('opens nothing where it is %s', (_, status, reason) => {
    expect(judgeBaseline(status, V3)).toMatchObject({ verdict: 'in_sync', reason, diff: '', evidence: [] });
  });
});
