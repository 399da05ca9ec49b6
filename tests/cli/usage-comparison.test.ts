import { expect, test } from 'vitest';
import { compareUsage } from '../../src/cli/usage-comparison.ts';
import { declaredWords, p95Note } from '../../src/cli/usage-words.ts';
import type { UsageRow } from '../../src/contract/invocation-log.ts';

const NONE = { p50: null, p95: null, p99: null };

function row(more: Partial<UsageRow>): UsageRow {
  return {
    calls: 10,
    errors: 0,
    input_tokens: 100,
    output_tokens: 100,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    token_parts: {},
    web_searches: 0,
    cost_usd: '1',
    unpriced_calls: 0,
    latency_ms: NONE,
    first_token_ms: NONE,
    output_tokens_of_call: NONE,
    finish_reasons: {},
    evaluations: {},
    ...more,
  };
}

const judged = (scored: number): Pick<UsageRow, 'evaluations'> => ({
  evaluations: { helpful: { count: scored, scored, mean_score: 0.5, score_deviation: 0.5, labels: {} } },
});

function lineOf(title: string, ...rows: readonly UsageRow[]): readonly string[] | undefined {
  return compareUsage(['3', '4'], rows).find(([first]) => first === title);
}

test('what there was none of before has changed, and what is the same has not', () => {
  expect(lineOf('of them cached', row({}), row({ cache_read_tokens: 500 }))).toEqual([
    'of them cached',
    '0',
    '50',
    'from 0',
  ]);
  expect(lineOf('of them cached', row({}), row({}))).toEqual(['of them cached', '0', '0', '']);
});

test('how far off a mean may be is told by Student, and not of a handful of scores', () => {
  // t of 9 degrees is 2.262, and of 99 it is 1.984.
  expect(lineOf('helpful', row(judged(10)), row(judged(100)))).toEqual(['helpful', '0.5 ±0.357', '0.5 ±0.0992', '']);
  expect(lineOf('helpful', row(judged(2)), row(judged(9)))).toEqual(['helpful', '0.5', '0.5', '']);
});

test('p95 of few calls is marked, and not compared', () => {
  const of = (calls: number, p95: number): UsageRow => row({ calls, latency_ms: { p50: 100, p95, p99: p95 } });
  expect(lineOf('latency p95', of(19, 400), of(20, 800))).toEqual(['latency p95', '~400 ms', '800 ms', '-']);
  expect(lineOf('latency p95', of(20, 400), of(20, 800))).toEqual(['latency p95', '400 ms', '800 ms', '+100.0%']);
  expect(lineOf('latency p50', of(3, 400), of(3, 800))).toEqual(['latency p50', '100 ms', '100 ms', '']);
  expect(p95Note([of(19, 400), null])).toContain('fewer than 20 calls');
  expect(p95Note([of(20, 400), row({ calls: 1 }), null])).toBeNull();
});

test('what the registry declares of versions stands beside what their calls show', () => {
  const cost = { declared: 0.003, measured: 0.00412, of: 10, margin: null };
  const accuracy = { declared: 0.94, measured: 0.91, of: 100, margin: 0.0231 };
  const [three, four] = [
    row({ baselines: { cost_per_call_usd: cost, baseline_accuracy: accuracy } }),
    row({ baselines: { baseline_accuracy: { declared: 0.95, measured: null, of: 0, margin: null } } }),
  ];
  expect(declaredWords(three)).toBe('usd a call 0.003 (is 0.00412), accuracy 0.94 (is 0.91 ±0.0231)');
  expect(declaredWords(four)).toBe('accuracy 0.95 (not judged)');
  expect(declaredWords(row({}))).toBe('');
  expect(lineOf('declared: accuracy', three, four)).toEqual(['declared: accuracy', '0.94', '0.95', '+0.01']);
  expect(lineOf('declared: usd a call', three, four)).toEqual(['declared: usd a call', '0.003', '-', '-']);
});
