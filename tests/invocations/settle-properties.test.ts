/** Generated calls whose truth is known, reported the way real software does: however they arrive, the truth comes out. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settle } from '../../src/invocations/settle.ts';
import { anyFact, reportedWork } from './reported-work.ts';

const scenario = reportedWork.chain(({ facts, truth }) =>
  fc
    .tuple(fc.shuffledSubarray(facts, { minLength: facts.length }), fc.subarray(facts))
    .map(([order, resent]) => ({ facts, truth, arrived: [...order, ...resent] })),
);

describe('settle', () => {
  it('finds every true call once, with its tokens, prompt and words, in any order and repetition', () => {
    fc.assert(
      fc.property(scenario, ({ facts, truth, arrived }) => {
        const settled = settle(arrived);
        const found = settled.invocations.map((call) => ({
          input: call.tokens.input,
          audio: call.tokens.parts?.input_audio ?? 0,
          prompt: call.declared?.name ?? null,
          said: call.input?.[0]?.parts[0]?.type === 'text' ? call.input[0].parts[0].text : '',
        }));
        expect(found).toEqual(truth);
        expect(settled).toEqual(settle(facts));
      }),
      { numRuns: 500 },
    );
  });

  it('makes invocations of spans that report calls, each at most once', () => {
    fc.assert(
      fc.property(scenario, ({ facts }) => {
        const identity = ({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): string =>
          `${traceId}/${spanId}`;
        const calls = new Set(facts.filter(({ role }) => role === 'call').map(identity));
        const found = settle(facts).invocations.map(identity);
        expect(new Set(found).size).toBe(found.length);
        expect(found.filter((each) => !calls.has(each))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('settle, given nonsense', () => {
  it('does not depend on order or repetition', () => {
    fc.assert(
      fc.property(
        fc
          .array(anyFact, { maxLength: 24 })
          .chain((facts) =>
            fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length }), fc.subarray(facts)),
          ),
        ([facts, order, resent]) => {
          expect(settle([...order, ...resent])).toEqual(settle(facts));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
