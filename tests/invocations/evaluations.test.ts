/** What a judgement that names less than a span judges, and what counts where several say something of one call. */

import { describe, expect, it } from 'vitest';
import type { Evaluation } from '../../src/contract/invocation.ts';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { settle } from '../../src/invocations/settle.ts';
import { shuffled } from '../dialects/rearrange.ts';
import { seededRandom } from '../support/random.ts';
import { log, span } from './facts.ts';

const { seed } = seededRandom();
const tokens = { input: 42, output: 17 };

let records = 0;
function judged(time: number, said: Partial<Evaluation>, where: Partial<SpanFacts> = {}): SpanFacts {
  records += 1;
  const evaluation = { name: 'helpful', score: 1, label: null, explanation: null, ...said };
  return log(1, `record-${records}`, time, { role: 'evaluation', evaluations: [evaluation], ...where });
}

/** The scores that each call got, smallest first, in whatever order all of it came. */
function scoresOf(...facts: readonly SpanFacts[]): readonly (readonly number[])[] {
  const { invocations } = settle(facts);
  const scores = invocations.map(({ evaluations }) =>
    evaluations.map(({ score }) => score ?? 0).toSorted((a, b) => a - b),
  );
  for (let time = 0; time < 5; time += 1) expect(settle(shuffled(facts, seed + time)).invocations).toEqual(invocations);
  return scores;
}

describe('a judgement of a trace alone', () => {
  const calls = [span(1, null, [0, 10], { tokens }), span(2, null, [100, 110], { tokens })];
  const ofTrace = { spanId: '' };

  it('is about the last call that had begun, or where none had, about the last', () => {
    expect(scoresOf(...calls, judged(50, {}, ofTrace))).toEqual([[1], []]);
    expect(scoresOf(...calls, judged(150, {}, ofTrace))).toEqual([[], [1]]);
    expect(scoresOf(...calls, judged(-50, {}, ofTrace))).toEqual([[], [1]]);
  });

  it('is about another call where that is named by its response id', () => {
    const named = [...calls, span(3, null, [200, 210], { tokens, responseId: 'x' })];
    expect(scoresOf(...named, judged(50, {}, { ...ofTrace, responseId: 'x' }))).toEqual([[], [], [1]]);
  });
});

describe('a call of which only a record tells', () => {
  const report = log(0, 'report', 10, {
    role: 'report',
    spanId: '',
    operation: 'chat',
    responseId: 'req-1',
    tokens,
    dialects: ['claude-code'],
  });
  const [call] = settle([report]).invocations;

  it('is found by the ids that it was given, by its response id, and by its trace', () => {
    expect(scoresOf(report, judged(20, {}, { spanId: call?.spanId as string }))).toEqual([[1]]);
    expect(scoresOf(report, judged(20, {}, { spanId: '', traceId: '', responseId: 'req-1' }))).toEqual([[1]]);
    expect(scoresOf(report, judged(20, {}, { spanId: '' }))).toEqual([[1]]);
    expect(scoresOf(report, judged(20, {}, { spanId: '', responseId: 'req-2', traceId: '' }))).toEqual([[]]);
  });
});

describe('several judgements of one call under one name', () => {
  const call = span(1, null, [0, 10], { tokens });
  const later = (...all: readonly SpanFacts[]) => scoresOf(call, ...all);

  it('are all there when nobody says who judged, and equal ones are one', () => {
    expect(later(judged(20, { score: 1 }), judged(30, { score: 0 }), judged(40, { score: 1 }))).toEqual([[0, 1]]);
  });

  it('are one for each who judged: what they said last', () => {
    expect(
      later(
        judged(20, { score: 1, by: 'ann' }),
        judged(30, { score: 1, by: 'bob' }),
        judged(40, { score: 0, by: 'ann' }),
        judged(40, { score: 0.5 }),
      ),
    ).toEqual([[0, 0.5, 1]]);
    expect(later(judged(20, { score: 1, by: 'ann' }), judged(30, { name: 'safe', score: 0, by: 'ann' }))).toEqual([
      [0, 1],
    ]);
  });

  it('are one for each id, whoever it came from and by whatever way they name the call', () => {
    const first = judged(20, { score: 1, id: 'm-1', by: 'ann' });
    expect(later(first, judged(30, { score: 0, id: 'm-1' }, { spanId: '' }))).toEqual([[0]]);
    expect(later(first, judged(30, { score: 0, id: 'm-2', by: 'ann' }))).toEqual([[0, 1]]);
    // Of one request: the later in the list.
    expect(later({ ...first, sequence: 1 }, judged(20, { score: 0, id: 'm-1' }))).toEqual([[1]]);
  });

  it('stay beside those that stand at the span itself', () => {
    const own = span(1, null, [0, 10], {
      tokens,
      evaluations: [{ name: 'helpful', score: 0.2, label: null, explanation: null, by: 'ann' }],
    });
    expect(scoresOf(own, judged(20, { score: 1, by: 'bob' }))).toEqual([[0.2, 1]]);
    expect(scoresOf(own, judged(20, { score: 1, by: 'ann' }))).toEqual([[1]]);
  });
});

it('in another trace judges nothing', () => {
  const call = span(1, null, [0, 10], { tokens });
  expect(scoresOf(call, judged(20, {}, { traceId: 'b'.repeat(32), spanId: '' }))).toEqual([[]]);
  expect(settle([judged(20, {}, { spanId: '' })]).invocations).toEqual([]);
});
