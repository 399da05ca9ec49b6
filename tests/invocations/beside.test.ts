/** Reports of one call that lie beside one another. */

import { describe, expect, it } from 'vitest';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { settle } from '../../src/invocations/settle.ts';
import { said, span, spanId } from './facts.ts';

const root = span(99, null, [0, 1_000], { role: 'wrapper' });
const declared = { name: 'p', version: '3', label: null };
const langfuse = (id: number, times: readonly [number, number], rest: Partial<SpanFacts> = {}) =>
  span(id, 99, times, {
    dialects: ['langfuse'],
    declared,
    tokens: { input: 42, output: 17, cacheRead: 16 },
    ...rest,
  });
const client = (id: number, times: readonly [number, number], rest: Partial<SpanFacts> = {}) =>
  span(id, 99, times, { tokens: { input: 42, output: 17 }, responseId: `r${id}`, ...rest });

describe("Langfuse's wrapper of a client", () => {
  it('is one call with what another instrumentation reports beside it', () => {
    for (const facts of [
      [root, langfuse(1, [10, 100]), client(2, [11, 99])],
      [client(2, [11, 99]), langfuse(1, [10, 100]), root],
    ]) {
      expect(settle(facts).invocations).toMatchObject([
        { spanId: spanId(2), responseId: 'r2', declared, tokens: { input: 42, output: 17, cacheRead: 16 } },
      ]);
    }
  });

  it('finds each of many identical calls at one time its own', () => {
    const facts = Array.from({ length: 300 }, (_, index) => [
      langfuse(1_000 + index, [10, 100]),
      client(2_000 + index, [11, 99]),
    ]).flat();
    expect(settle([root, ...facts]).invocations.map((call) => call.responseId)).toHaveLength(300);
  });

  it('that failed is one with a request that failed', () => {
    const error = { type: '429', message: '' };
    const failed = { tokens: {}, error };
    const { responseId: _id, ...request } = client(2, [11, 20], failed);
    expect(settle([root, langfuse(1, [10, 21], failed), request]).invocations).toMatchObject([
      { spanId: spanId(2), error, declared },
    ]);
  });

  it.each<readonly [string, SpanFacts]>([
    ['that counted other tokens', client(2, [11, 99], { tokens: { input: 43, output: 17 } })],
    ['that says no tokens', client(2, [11, 99], { tokens: {} })],
    ['that began before it', client(2, [9, 99])],
    ['that began after it', client(2, [101, 120])],
    ['of other work', client(2, [11, 99], { operation: 'embeddings' })],
    ['that is elsewhere', { ...client(2, [11, 99]), parentSpanId: spanId(98) }],
  ])('is another call than one %s', (_what, other) => {
    expect(settle([root, langfuse(1, [10, 100], { input: [said('user', 'hi')] }), other]).invocations).toHaveLength(2);
  });
});
