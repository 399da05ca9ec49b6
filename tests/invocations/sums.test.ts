/** Sums of an agent's requests beside what tells of these one by one. */

import { describe, expect, it } from 'vitest';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { lookupKeys, settle } from '../../src/invocations/settle.ts';
import { log, said, span, spanId } from './facts.ts';

const other = { traceId: 'b'.repeat(32) };
const SUM = { isSum: true, run: 'r', tokens: { input: 84, output: 34 }, input: [said('user', 'hi')] } as const;
const sum = (times: readonly [number, number], more: Partial<SpanFacts> = {}) =>
  span(1, null, times, { ...SUM, ...more });
const interaction = { ...other, role: 'wrapper', run: 'r' } as const;

const found = (...facts: readonly SpanFacts[]) => {
  const inOneOrder = settle(facts).invocations;
  expect(settle(facts.toReversed()).invocations).toEqual(inOneOrder);
  return inOneOrder.map((call) => [call.spanId, call.tokens.output]);
};

describe('the sum of a run', () => {
  const requests = [
    span(3, 2, [2_000, 3_000], { ...other, tokens: { output: 17 } }),
    span(4, 2, [4_000, 5_000], { ...other, tokens: { output: 17 } }),
  ];

  it('is a call where nothing else tells of the run', () => {
    expect(found(sum([0, 9_000]))).toEqual([[spanId(1), 34]]);
    expect(found(sum([0, 9_000]), ...requests)).toHaveLength(3);
    expect(found(sum([0, 9_000]), span(2, null, [1_000, 8_000], { ...interaction, run: 'q' }))).toHaveLength(1);
  });

  it('is none where its requests are told of, in another trace or by a record', () => {
    const told = [
      [spanId(3), 17],
      [spanId(4), 17],
    ];
    expect(found(sum([0, 9_000]), span(2, null, [1_000, 8_000], interaction), ...requests)).toEqual(told);
    const record = log(0, 'r1', 1_000, { traceId: '', spanId: '', run: 'r' });
    expect(found(sum([0, 9_000]), record, ...requests)).toEqual(told);
    // The program was told of the span in which it was started.
    expect(found(sum([0, 9_000]), log(1, 'r1', 1_000, { run: 'r' }), ...requests)).toEqual(told);
  });

  it('is one where only another time of the run is told of', () => {
    const later = span(2, null, [60_000, 68_000], interaction);
    expect(found(sum([0, 9_000]), later)).toEqual([[spanId(1), 34]]);
    expect(found(sum([90_000, 99_000]), later)).toEqual([[spanId(1), 34]]);
    // Who waits for the answer may begin to wait a little later.
    expect(found(sum([60_500, 69_000]), later)).toEqual([]);
  });

  it('wraps what is inside of it, which it adds its content to where it is one request', () => {
    const inside = span(2, 1, [1_000, 8_000], { role: 'wrapper', run: 'r' });
    const { invocations } = settle([sum([0, 9_000]), inside, span(3, 2, [2_000, 7_000], { tokens: { output: 34 } })]);
    expect(invocations).toMatchObject([{ spanId: spanId(3), input: [said('user', 'hi')] }]);
  });

  it('of which the run is its trace is none beside calls of that', () => {
    const call = span(2, null, [1_000, 2_000], { run: '', tokens: { output: 17 } });
    expect(found(sum([0, 9_000], { run: '' }), call)).toEqual([[spanId(2), 17]]);
    expect(found(sum([0, 9_000], { run: '' }), { ...call, ...other })).toHaveLength(2);
  });

  it('is looked for by the name of its run, that of a trace by nothing', () => {
    expect(lookupKeys(sum([0, 1]))).toEqual(['io:r']);
    expect(lookupKeys(sum([0, 1], { run: '' }))).toEqual([]);
  });
});
