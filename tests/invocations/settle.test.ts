/** The rules of "each call once", one example each. */

import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/contract/invocation.ts';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { lookupKeys, settle } from '../../src/invocations/settle.ts';
import { at, log, said, span, spanId } from './facts.ts';

const tokens = { input: 42, output: 17 };
const OTHER_TRACE = 'b'.repeat(32);
const wrapper = { role: 'wrapper' } as const;
const link = { role: 'link', dialects: [] } as const;

describe('within a trace', () => {
  it('is the innermost call span, which takes from the outer ones what it lacks', () => {
    const outer = span(1, null, [0, 100], {
      input: [said('user', 'hi')],
      tokens: { input: 26, output: 17, reasoning: 5 },
    });
    const inner = span(2, 1, [10, 90], { tokens: { input: 50, output: 17, cacheRead: 16 }, responseId: 'msg_1' });
    const { invocations } = settle([inner, outer]);
    expect(invocations).toHaveLength(1);
    expect(invocations[0]).toMatchObject({
      spanId: spanId(2),
      startedAt: at(10),
      tokens: { input: 50, output: 17, cacheRead: 16, cacheWrite: null, reasoning: 5 },
      input: [said('user', 'hi')],
      incomplete: [],
    });
  });

  it('takes input from who counts cached input, not from the innermost who leaves it out', () => {
    const whole = span(1, null, [0, 100], { tokens: { input: 50, output: 17, cacheRead: 16, cacheWrite: 8 } });
    const inner = span(2, 1, [10, 90], { tokens: { input: 26, output: 17 }, incomplete: ['usage_without_cache'] });
    const input = [said('user', 'hi')];
    expect(settle([{ ...whole, input }, inner]).invocations).toMatchObject([
      { tokens: { input: 50, output: 17, cacheRead: 16, cacheWrite: 8 }, incomplete: [] },
    ]);
    // Parts without a whole that they are of explain nothing.
    const parts = { ...whole, input, tokens: { cacheRead: 16, cacheWrite: 8 } };
    expect(settle([parts, inner]).invocations).toMatchObject([
      { tokens: { input: 26, cacheRead: 16 }, incomplete: ['usage_without_cache'] },
    ]);
  });

  it('knows nothing of its tokens from who reports zeros alone, unless it failed', () => {
    const zeros = { input: 0, output: 0, cacheRead: 0 };
    const inner = span(2, 1, [10, 90], { tokens: zeros });
    expect(settle([inner]).invocations).toMatchObject([{ tokens: { input: null, output: null, cacheRead: null } }]);
    expect(settle([inner]).invocations[0]?.incomplete).toContain('usage_not_reported');
    const error = { type: 'timeout', message: '' };
    expect(settle([{ ...inner, error }]).invocations).toMatchObject([{ tokens: zeros }]);
    const outer = span(1, null, [0, 100], { tokens: { input: 42, output: 7 } });
    expect(settle([outer, inner]).invocations).toMatchObject([{ tokens: { input: 42, output: 7 } }]);
    const counted = span(2, 1, [10, 90], { tokens: { input: 42, output: 0 } });
    expect(settle([counted]).invocations).toMatchObject([{ tokens: { input: 42, output: 0 } }]);
  });

  it('has of each part of the tokens what the innermost says that knows it, and never a sum', () => {
    const outer = span(1, null, [0, 100], {
      tokens: { input: 50, output: 17, cacheWrite: 8, parts: { cache_write_1h: 8, input_audio: 20 } },
    });
    const inner = span(2, 1, [10, 90], {
      tokens: { input: 50, output: 17, parts: { input_audio: 20, output_audio: 5 } },
    });
    for (const facts of [
      [outer, inner],
      [inner, outer, inner],
    ]) {
      expect(settle(facts).invocations.map((call) => call.tokens)).toEqual([
        {
          input: 50,
          output: 17,
          cacheRead: null,
          cacheWrite: 8,
          reasoning: null,
          parts: { cache_write_1h: 8, input_audio: 20, output_audio: 5 },
        },
      ]);
    }
    // Nobody reported any; and those of an agent are of all its calls.
    const agent = span(1, null, [0, 100], { ...wrapper, tokens: { input: 100, parts: { input_audio: 40 } } });
    expect(settle([agent, span(2, 1, [10, 90], { tokens })]).invocations[0]?.tokens).not.toHaveProperty('parts');
  });

  it('has instructions once, however they are divided into messages and parts', () => {
    const [a, b, user] = [said('system', 'A'), said('system', 'B'), said('user', 'hi')];
    const parts = { role: 'system', parts: [...a.parts, ...b.parts] };
    const inputOf = (system: readonly Message[], input: readonly Message[]) =>
      settle([span(1, null, [0, 100], { tokens, system, input })]).invocations[0]?.input;
    expect(inputOf([a, b], [a, b, user])).toEqual([a, b, user]);
    expect(inputOf([parts], [a, b, user])).toEqual([a, b, user]);
    expect(inputOf([a, b], [parts, user])).toEqual([parts, user]);
    expect(inputOf([said('system', 'A\nB')], [a, b, user])).toEqual([a, b, user]);
    expect(inputOf([parts], [a, user])).toEqual([parts, a, user]);
  });

  it('finds the outer span through spans that say nothing', () => {
    const facts = [span(1, null, [0, 100], { tokens }), span(2, 1, [5, 95], link), span(3, 2, [10, 90], { tokens })];
    expect(settle(facts).invocations.map((call) => call.spanId)).toEqual([spanId(3)]);
  });

  it('counts two calls until the span between them arrives, and one after', () => {
    const [outer, between, inner] = [
      span(1, null, [0, 100], { tokens }),
      span(2, 1, [5, 95], link),
      span(3, 2, [10, 90], { tokens }),
    ];
    expect(settle([outer, inner]).invocations).toHaveLength(2);
    expect(settle([outer, inner, between]).invocations.map((call) => call.spanId)).toEqual([spanId(3)]);
  });

  it('never gives the tokens of a span around several calls to any of them', () => {
    const facts = [
      span(1, null, [0, 100], { tokens: { input: 84, output: 34 }, conversationId: 'c1' }),
      span(2, 1, [10, 40], { tokens }),
      span(3, 1, [50, 90], {}),
    ];
    const { invocations } = settle(facts);
    expect(invocations.map((call) => call.tokens.input)).toEqual([42, null]);
    expect(invocations.map((call) => call.conversationId)).toEqual(['c1', 'c1']);
    expect(invocations[1]?.incomplete).toContain('usage_not_reported');
  });

  it.each(['tool', 'agent'] as const)('begins other work at a %s', (boundary) => {
    const facts = [
      span(1, null, [0, 100], { tokens }),
      span(2, 1, [10, 90], { ...wrapper, boundary }),
      span(3, 2, [20, 80], { tokens }),
    ];
    expect(settle(facts).invocations.map((call) => call.spanId)).toEqual([spanId(1), spanId(3)]);
  });

  it('takes prompt, conversation and user from the nearest ancestor that knows them', () => {
    const facts = [
      span(1, null, [0, 100], { ...wrapper, declared: { name: 'far', version: '1', label: null }, userId: 'u1' }),
      span(2, 1, [5, 95], { ...wrapper, boundary: 'agent', declared: { name: 'near', version: '2', label: null } }),
      span(3, 2, [10, 90], { tokens }),
    ];
    expect(settle(facts).invocations[0]).toMatchObject({ declared: { name: 'near', version: '2' }, userId: 'u1' });
  });

  it('does not take a prompt from outside the tool that the call is in', () => {
    const facts = [
      span(1, null, [0, 100], { ...wrapper, declared: { name: 'outside', version: '1', label: null }, userId: 'u1' }),
      span(2, 1, [5, 95], { ...wrapper, boundary: 'tool' }),
      span(3, 2, [10, 90], { tokens }),
    ];
    expect(settle(facts).invocations[0]).toMatchObject({ declared: null, userId: 'u1' });
  });

  it('takes the template that was rendered beside the call, before it', () => {
    const prompt = (id: number, start: number, template: string) =>
      span(id, 1, [start, start + 1], { ...wrapper, template, variables: { who: template } });
    const facts = [
      span(1, null, [0, 100], wrapper),
      prompt(2, 5, 'first'),
      prompt(3, 40, 'second'),
      span(4, 1, [10, 30], { tokens }),
      span(5, 1, [50, 90], { tokens }),
    ];
    const { invocations } = settle(facts);
    expect(invocations.map((call) => [call.template, call.variables])).toEqual([
      ['first', { who: 'first' }],
      ['second', { who: 'second' }],
    ]);
  });

  it('names the service that made the call, not the gateway that it went through', () => {
    const facts = [
      span(1, null, [0, 100], { instance: 'pod-1' }),
      span(2, 1, [10, 90], { service: 'gateway', instance: 'gw-7', tokens }),
    ];
    expect(settle(facts).invocations[0]).toMatchObject({ spanId: spanId(2), service: 'shop', instance: 'pod-1' });
  });

  it('believes an answer more than an error around it', () => {
    const error = { type: 'ParseError', message: 'bad json' };
    const answered = [
      span(1, null, [0, 100], { error }),
      span(2, 1, [10, 90], { tokens, output: [said('assistant', 'x')] }),
    ];
    expect(settle(answered).invocations[0]?.error).toBeNull();
    const silent = [span(1, null, [0, 100], { error }), span(2, 1, [10, 90])];
    expect(settle(silent).invocations[0]?.error).toEqual(error);
  });

  it('survives parents in a circle', () => {
    const facts = [span(1, 2, [0, 100], { tokens }), span(2, 1, [0, 100], { tokens })];
    expect(settle(facts).invocations).toHaveLength(1);
    expect(settle([span(1, 1, [0, 10], { tokens })]).invocations).toHaveLength(1);
  });

  it('loses no call of a circle beside others, nor one inside of it', () => {
    const beside = span(9, null, [0, 10], { tokens });
    const circle = [span(1, 3, [0, 90], { responseId: 'a' }), span(2, 1, [0, 90]), span(3, 2, [0, 90])];
    const inside = span(4, 2, [10, 20], { responseId: 'b', tokens });
    const ids = (facts: readonly SpanFacts[]) => settle(facts).invocations.map((call) => call.spanId);
    expect(ids([beside, ...circle])).toEqual([spanId(1), spanId(9)]);
    expect(ids([...circle, inside, beside])).toEqual([spanId(1), spanId(9), spanId(4)]);
    expect(ids([inside, ...circle.toReversed(), beside])).toEqual([spanId(1), spanId(9), spanId(4)]);
  });
});

describe('across traces', () => {
  const elsewhere = { traceId: OTHER_TRACE, parentSpanId: '' };

  it('is one call when the response id is equal and the times overlap; the inner one is it', () => {
    const facts = [
      span(9, null, [0, 1], { ...wrapper }),
      span(1, 9, [0, 100], { responseId: 'resp_1', conversationId: 'c1', tokens }),
      span(2, null, [10, 90], { ...elsewhere, responseId: 'resp_1', tokens }),
    ];
    const { invocations } = settle(facts);
    expect(invocations).toHaveLength(1);
    expect(invocations[0]).toMatchObject({ traceId: OTHER_TRACE, spanId: spanId(2), conversationId: 'c1' });
  });

  it('is another call when the same response is served again later', () => {
    const facts = [
      span(1, null, [0, 100], { responseId: 'resp_1' }),
      span(2, null, [200, 210], { ...elsewhere, responseId: 'resp_1' }),
    ];
    expect(settle(facts).invocations).toHaveLength(2);
  });

  const id = { responseId: 'chatcmpl-554' };
  const counts = (...facts: readonly SpanFacts[]) => settle(facts).invocations.length;

  it('is another call when the tokens differ, or the work', () => {
    const call = span(1, null, [0, 1_000], { ...id, tokens: { input: 100, output: 20 } });
    const other = (rest: Partial<SpanFacts>) => span(2, null, [100, 900], { ...elsewhere, ...id, ...rest });
    expect(counts(call, other({ tokens: { input: 7, output: 3 } }))).toBe(2);
    expect(counts(call, other({ tokens: { input: 100, output: 3 }, service: 'gateway' }))).toBe(2);
    expect(counts(call, other({ operation: 'embeddings', tokens: { input: 100 } }))).toBe(2);
    expect(counts(call, other({ tokens: { input: 100 } }))).toBe(1);
    expect(counts(call, other({ tokens: { input: 100, output: 0 } }))).toBe(1);
  });

  it('is one call when only what came from a cache is counted differently', () => {
    const whole = { input: 50, output: 17, cacheRead: 16, cacheWrite: 8 };
    const call = span(1, null, [0, 1_000], { ...id, tokens: whole });
    const rest = { input: 26, output: 17 };
    expect(counts(call, span(2, null, [100, 900], { ...elsewhere, ...id, tokens: rest }))).toBe(1);
    const bare = span(1, null, [0, 1_000], { ...id, tokens: { input: 50, output: 17 } });
    const inner = span(2, null, [100, 900], { ...elsewhere, ...id, tokens: rest });
    expect(counts(bare, inner)).toBe(2);
    expect(counts(bare, { ...inner, incomplete: ['usage_without_cache'] })).toBe(1);
  });

  it('is another call when the same instrumentation of the same service reports it', () => {
    const by = { ...id, tokens, instrumentation: 'client' };
    const call = span(1, null, [0, 100], by);
    expect(counts(call, span(2, null, [10, 90], { ...elsewhere, ...by }))).toBe(2);
    expect(counts(call, span(2, null, [10, 90], { ...elsewhere, ...by, service: 'gateway' }))).toBe(1);
    expect(counts(call, span(2, null, [10, 90], { ...elsewhere, ...by, instrumentation: 'framework' }))).toBe(1);
  });

  it('may lie beside the other report only if these are surely two reporters', () => {
    const call = span(1, null, [0, 100], { ...id, tokens });
    const beside = (rest: Partial<SpanFacts>) => span(2, null, [10, 110], { ...elsewhere, ...id, tokens, ...rest });
    expect(counts(call, beside({}))).toBe(2);
    expect(counts(call, beside({ dialects: ['openinference'] }))).toBe(1);
    expect(counts(call, beside({ service: 'gateway' }))).toBe(1);
    expect(counts(call, beside({ service: 'gateway', tokens: { input: 42 } }))).toBe(2);
  });

  it('is another call when it was made by a tool inside it', () => {
    const tool = span(2, 1, [10, 90], { ...wrapper, boundary: 'tool' });
    expect(counts(span(1, null, [0, 100], id), tool, span(3, 2, [20, 80], id))).toBe(2);
  });

  it('is found among many at a time that all have one id', () => {
    const facts: SpanFacts[] = [];
    for (let call = 0; call < 3_000; call++) {
      const by = { ...id, parentSpanId: '', tokens: { input: 1_000 + call, output: 20 } };
      const start = call * 10;
      // About fifty are under way at any time.
      facts.push(span(2 * call, null, [start, start + 500], { ...by, instrumentation: 'framework' }));
      facts.push(span(2 * call + 1, null, [start + 1, start + 499], { ...by, instrumentation: 'client' }));
    }
    const { invocations } = settle(facts);
    expect(invocations.map((call) => call.tokens.input)).toEqual(Array.from({ length: 3_000 }, (_, n) => 1_000 + n));
    // All of them at once: what can't be told apart any more is counted rather than lost.
    const atOnce = facts.map((fact) => ({ ...fact, startedAt: at(0), endedAt: at(10) }));
    expect(settle(atOnce).invocations.length).toBeGreaterThanOrEqual(3_000);
  });

  it('finds a report without an id by what was said, each at most once', () => {
    const twin = { twinKey: 'k', instrumentation: 'client' };
    const framework = { twinKey: 'k', instrumentation: 'framework' };
    const other = (trace: string) => ({ traceId: trace.repeat(32) });
    const facts = [
      span(1, null, [0, 100], { ...framework, ...other('1'), responseId: 'a' }),
      span(2, null, [1, 101], { ...framework, ...other('2'), responseId: 'b' }),
      span(3, null, [10, 90], { ...twin, ...other('3') }),
      span(4, null, [11, 91], { ...twin, ...other('4') }),
      span(5, null, [12, 92], { ...twin, ...other('5') }),
    ];
    expect(settle(facts).invocations.map((call) => call.responseId)).toEqual(['a', 'b', null]);
  });

  it('says by which keys other traces are found', () => {
    expect(lookupKeys(span(1, null, [0, 1], { responseId: 'x', twinKey: 'y' }))).toEqual(['id:x', 'io:y']);
    expect(lookupKeys(span(1, null, [0, 1]))).toEqual([]);
  });
});

describe('log records', () => {
  it('give their messages in the order in which they were made', () => {
    const facts = [
      log(1, 'r2', 20, { sequence: 2, input: [said('user', 'again')] }),
      log(1, 'r0', 20, { sequence: 0, input: [said('user', 'hi')] }),
      log(1, 'r1', 20, { sequence: 1, input: [said('assistant', 'hello')] }),
      span(1, null, [10, 90], { tokens }),
    ];
    expect(settle(facts).invocations[0]?.input).toEqual([
      said('user', 'hi'),
      said('assistant', 'hello'),
      said('user', 'again'),
    ]);
  });

  it('are a call by themselves while its span is missing, if they tell enough', () => {
    const details = { requestModel: 'm', provider: 'p', operation: 'chat', tokens } as const;
    expect(settle([log(1, 'r', 20, details)]).invocations[0]).toMatchObject({
      spanId: spanId(1),
      incomplete: ['content_not_captured', 'still_open'],
    });
    expect(settle([log(1, 'r', 20, { input: [said('user', 'hi')] })]).invocations).toEqual([]);
  });

  it('that report a call are calls until a span of their dialect comes', () => {
    const report = log(9, 'r', 90, {
      role: 'report',
      endedAt: at(91),
      responseModel: 'm',
      tokens,
      reportedCostUsd: '0.1',
      dialects: ['claude-code'],
    });
    expect(settle([report]).invocations).toHaveLength(1);
    const call = span(1, 9, [10, 90], { responseModel: 'm', tokens, dialects: ['claude-code'] });
    expect(settle([report, call]).invocations).toMatchObject([{ spanId: spanId(1), reportedCostUsd: '0.1' }]);
  });
});

describe('evaluations', () => {
  const evaluation = { name: 'tone', score: 1, label: null, explanation: null };
  const judged = { role: 'evaluation', evaluations: [evaluation] } as const;

  it('find the call, the last call below what they judge, or the response id', () => {
    const facts = [
      span(1, 7, [0, 100], wrapper),
      span(2, 1, [10, 40], { tokens, responseId: 'a' }),
      span(3, 1, [50, 90], { tokens, responseId: 'b' }),
    ];
    const scores = (id: number | null, rest = {}) =>
      settle([...facts, { ...log(id ?? 0, 'e', 200, { ...judged, ...rest }) }]).invocations.map(
        (call) => call.evaluations.length,
      );
    expect(scores(2)).toEqual([1, 0]);
    expect(scores(1)).toEqual([0, 1]);
    // The root says nothing and was never stored; it is known by name.
    expect(scores(7)).toEqual([0, 1]);
    expect(scores(null, { traceId: '', spanId: '', responseId: 'a' })).toEqual([1, 0]);
    // A span around both says less than the id of one; the call's own span says more.
    expect(scores(1, { responseId: 'a' })).toEqual([1, 0]);
    expect(scores(7, { responseId: 'a' })).toEqual([1, 0]);
    expect(scores(3, { responseId: 'a' })).toEqual([0, 1]);
    expect(scores(1, { responseId: 'unknown' })).toEqual([0, 1]);
  });

  it('wait when what they judge is not known', () => {
    const early = log(5, 'e', 10, { ...judged, responseId: 'x' });
    const call = span(1, null, [0, 5], { tokens, responseId: 'x' });
    expect(settle([early]).invocations).toEqual([]);
    expect(settle([early, call]).invocations).toMatchObject([{ evaluations: [evaluation] }]);
  });
});

describe('duplicates', () => {
  it('change nothing, and of two versions of a span the fuller one is taken, in any order', () => {
    const early = span(1, null, [0, 100], { tokens });
    const { endedAt: _endedAt, ...open } = early;
    const late = { ...open, endedAt: at(100), output: [said('assistant', 'x')] };
    const expected = settle([early, late]).invocations;
    expect(expected).toHaveLength(1);
    expect(expected[0]).toMatchObject({ output: [said('assistant', 'x')], tokens: { input: 42 } });
    expect(settle([late, early, late, open]).invocations).toEqual(expected);
  });

  it('of equally full versions settle on one, whichever came first', () => {
    const [one, two] = ['x', 'y'].map((responseId) => span(1, null, [0, 100], { responseId })) as [
      SpanFacts,
      SpanFacts,
    ];
    expect(settle([one, two])).toEqual(settle([two, one]));
  });
});
