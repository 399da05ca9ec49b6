/** Calls that were made inside of others, and attempts of one call. */

import { describe, expect, it } from 'vitest';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { settle } from '../../src/invocations/settle.ts';
import { log, said, span, spanId } from './facts.ts';

const tokens = { input: 42, output: 17 };
const wrapper = { role: 'wrapper' } as const;
const link = { role: 'link', dialects: [] } as const;

describe('a call inside of another', () => {
  const idA = { responseId: 'a', tokens: { input: 100, output: 20 } };
  const idB = { responseId: 'b', tokens: { input: 9, output: 1 } };
  const found = (...facts: readonly SpanFacts[]) =>
    settle(facts).invocations.map((call) => [call.spanId, call.responseId, call.tokens.input]);

  it('is one of its own when it is other work, or has another response id', () => {
    const embeddings = { operation: 'embeddings', tokens: { input: 9 } } as const;
    expect(found(span(1, null, [0, 100], idA), span(2, 1, [10, 50], embeddings))).toEqual([
      [spanId(1), 'a', 100],
      [spanId(2), null, 9],
    ]);
    expect(found(span(1, null, [0, 100], idA), span(2, 1, [10, 50], idB))).toEqual([
      [spanId(1), 'a', 100],
      [spanId(2), 'b', 9],
    ]);
    expect(found(span(1, null, [0, 100], idA), span(2, 1, [10, 40], idB), span(3, 1, [50, 90], embeddings))).toEqual([
      [spanId(1), 'a', 100],
      [spanId(2), 'b', 9],
      [spanId(3), null, 9],
    ]);
  });

  it('leaves the other the views around it, and the prompt that is declared there', () => {
    const declared = { name: 'p', version: '1', label: null };
    const { invocations } = settle([
      span(1, null, [0, 100], { ...wrapper, declared, conversationId: 'c1' }),
      span(2, 1, [5, 95], { input: [said('user', 'hi')] }),
      span(3, 2, [10, 90], { ...idA, template: 't' }),
      span(4, 3, [20, 80], link),
      span(5, 4, [30, 70], { operation: 'embeddings', tokens: { input: 9 } }),
    ]);
    expect(invocations).toMatchObject([
      { spanId: spanId(3), declared, template: 't', input: [said('user', 'hi')], conversationId: 'c1' },
      { spanId: spanId(5), declared: null, template: null, input: null, conversationId: 'c1' },
    ]);
  });

  it('is the same call when both count the same: a gateway gives the answer an id of its own', () => {
    const cached = { input: 100, output: 20, cacheRead: 80 };
    const facts = [span(1, null, [0, 100], idA), span(2, 1, [10, 90], { responseId: 'b', tokens: cached })];
    expect(found(...facts)).toEqual([[spanId(2), 'b', 100]]);
  });

  it('is the same call under other names of the same work', () => {
    const [other, completion] = [{ operation: 'other' }, { operation: 'text_completion' }] as const;
    expect(found(span(1, null, [0, 100], other), span(2, 1, [10, 90], completion), span(3, 2, [20, 80], idA))).toEqual([
      [spanId(3), 'a', 100],
    ]);
  });

  it('is one of several steps of a span that has the id of the last: that is no call', () => {
    const steps = [span(2, 1, [10, 40], idA), span(3, 1, [50, 90], idB)];
    for (const responseId of [undefined, 'b']) {
      const outer = { tokens: { input: 109, output: 21 }, ...(responseId === undefined ? {} : { responseId }) };
      expect(found(span(1, null, [0, 100], outer), ...steps)).toEqual([
        [spanId(2), 'a', 100],
        [spanId(3), 'b', 9],
      ]);
    }
  });

  it('is an attempt of several, of which what is around them is a view of the one that did not fail', () => {
    const error = { type: '429', message: '' };
    const input = [said('user', 'hi')];
    const gateway = span(1, null, [0, 100], { ...idA, input, reportedCostUsd: '0.01' });
    const [failed, answered] = [span(2, 1, [10, 20], { error }), span(3, 1, [30, 90])];
    for (const facts of [
      [gateway, failed, answered],
      [answered, gateway, failed],
    ]) {
      expect(settle(facts).invocations).toMatchObject([
        { spanId: spanId(2), error, tokens: { input: null }, reportedCostUsd: null },
        { spanId: spanId(3), error: null, tokens: idA.tokens, reportedCostUsd: '0.01', input },
      ]);
    }
    // Two that answered share what is around them as before, and one with an id of its own is another call.
    expect(found(gateway, answered, span(4, 1, [30, 90]))).toEqual([
      [spanId(3), null, null],
      [spanId(4), null, null],
    ]);
    expect(found(gateway, failed, span(3, 1, [30, 90], idB))).toEqual([
      [spanId(1), 'a', 100],
      [spanId(2), null, null],
      [spanId(3), 'b', 9],
    ]);
  });

  it('that is other work does not keep what is around both from being a view of the one that it is about', () => {
    const { invocations } = settle([
      span(1, null, [0, 100], { input: [said('user', 'hi')] }),
      span(2, 1, [10, 40], { operation: 'embeddings', tokens: { input: 9 } }),
      span(3, 1, [50, 90], { tokens }),
    ]);
    expect(invocations).toMatchObject([{ input: null }, { input: [said('user', 'hi')], tokens }]);
  });

  it('is not what a judgement of the other is about', () => {
    const evaluation = { name: 'tone', score: 1, label: null, explanation: null };
    const facts = [
      span(1, null, [0, 100]),
      span(2, 1, [5, 95], idA),
      span(3, 2, [30, 70], { operation: 'embeddings', tokens: { input: 9 } }),
    ];
    for (const id of [1, 2]) {
      const judgement = log(id, 'e', 200, { role: 'evaluation', evaluations: [evaluation] });
      const { invocations } = settle([...facts, judgement]);
      expect(invocations.map((call) => call.evaluations.length)).toEqual([1, 0]);
    }
  });
});

describe("an agent's sum", () => {
  const sum = { boundary: 'agent', responseId: 'a', tokens: { input: 84, output: 34 } } as const;
  const found = (...facts: readonly SpanFacts[]) =>
    settle(facts).invocations.map((call) => [call.spanId, call.tokens.input]);

  it('is a call where nothing in it reports one, also in what it asked for by a tool', () => {
    expect(found(span(1, null, [0, 100], sum), span(2, 1, [10, 90], link))).toEqual([[spanId(1), 84]]);
    const tool = span(2, 1, [20, 80], { ...wrapper, boundary: 'tool' });
    expect(found(span(1, null, [0, 100], sum), tool, span(3, 2, [30, 70], { tokens }))).toEqual([[spanId(3), 42]]);
    expect(found(span(1, null, [0, 100], sum), span(2, 1, [10, 90], sum))).toEqual([[spanId(2), 84]]);
  });

  it('is left once of several that lie in one another in a circle', () => {
    expect(found(span(1, 2, [0, 100], sum), span(2, 1, [10, 90], sum))).toEqual([[spanId(1), 84]]);
  });

  it('tells the calls in it the prompt and the conversation, and not what went into the agent', () => {
    const declared = { name: 'p', version: '1', label: null };
    const about = { declared, conversationId: 'c1', input: [said('user', 'plan')], system: [said('system', 'kind')] };
    const { invocations } = settle([
      span(1, null, [0, 100], { ...sum, ...about }),
      span(2, 1, [10, 40], { tokens }),
      span(3, 1, [50, 90], { tokens, responseId: 'a' }),
    ]);
    expect(invocations).toMatchObject([
      { spanId: spanId(2), declared, conversationId: 'c1', input: null },
      { spanId: spanId(3), declared, conversationId: 'c1', input: null },
    ]);
  });
});

describe('what a model server tells of a sequence', () => {
  const server = { dialects: ['model-server', 'semconv'], tokens: { input: 4 } } as const;
  const found = (...facts: readonly SpanFacts[]) => settle(facts).invocations.map((call) => call.spanId);

  it('is no call inside of one, and one where nothing around it is', () => {
    const client = span(1, null, [0, 100], { operation: 'embeddings', tokens: { input: 8 } });
    const sequences = [span(3, 2, [20, 80], server), span(4, 2, [20, 90], server)];
    expect(found(client, span(2, 1, [10, 95], link), ...sequences)).toEqual([spanId(1)]);
    expect(found(span(2, null, [10, 95], wrapper), ...sequences)).toEqual([spanId(3), spanId(4)]);
  });

  it('is one inside of a tool that a call has', () => {
    const tool = span(2, 1, [10, 95], { ...wrapper, boundary: 'tool' });
    expect(found(span(1, null, [0, 100], { tokens }), tool, span(3, 2, [20, 80], server))).toEqual([
      spanId(1),
      spanId(3),
    ]);
  });
});
