/**
 * What real emitters send must come to what they really did: one row a call, exact tokens by kind,
 * models, finish reasons, errors, messages; whatever the order, the repetition and the division of
 * the requests. Adding a case is adding a folder.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { DIALECTS } from '../../src/dialects/index.ts';
import { settle } from '../../src/invocations/settle.ts';
import { type GoldenCase, type WireRequest, factsOf, goldenCases, requestsOf } from './cases.ts';
import { describeInvocation } from './describe.ts';
import { shuffled, splitRequest } from './rearrange.ts';

interface Expected {
  readonly about?: string;
  readonly calls: readonly Readonly<Record<string, unknown>>[];
}

function readExpected({ folder }: GoldenCase): Expected {
  return JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as Expected;
}

function outcome(facts: readonly SpanFacts[]): Omit<Expected, 'about'> {
  return { calls: settle(facts).invocations.map(describeInvocation) };
}

const allFacts = (requests: readonly WireRequest[]): SpanFacts[] => requests.flatMap(factsOf);

const cases = goldenCases();

describe.each(cases.map((golden) => [`${golden.emitter}/${golden.name}`, golden] as const))('%s', (_name, golden) => {
  const { about: _about, ...expected } = readExpected(golden);

  it.each(golden.encodings)('gives the calls that were made, from %s', (encoding) => {
    expect(outcome(allFacts(requestsOf(golden, encoding)))).toEqual(expected);
  });

  it.each(golden.encodings)('is the same shuffled, doubled and split, from %s', (encoding) => {
    const requests = requestsOf(golden, encoding);
    const split = requests.flatMap(splitRequest);
    expect(outcome(allFacts([...requests, ...requests]))).toEqual(expected);
    expect(outcome(allFacts(requests.toReversed()))).toEqual(expected);
    expect(outcome(allFacts(split))).toEqual(expected);
    for (let seed = 1; seed <= 5; seed++) {
      expect(outcome(allFacts(shuffled([...split, ...split, ...requests], seed)))).toEqual(expected);
    }
  });

  it('gives facts that survive JSON', () => {
    const facts = allFacts(requestsOf(golden, golden.encodings[0] ?? 'json'));
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });
});

/**
 * The server behind the captures always counted the same: 42 in (16 cached) and 17 out (5
 * reasoning) for OpenAI; 26 + 8 written + 16 read = 50 in and 17 out for Anthropic; 9 for embeddings. Twice as much is
 * a loop of two requests that has one span.
 */
const TRUTH = [
  /^42 in(?:, 16 read from cache)?(?:, [08] written to cache)?, 17 out(?:, 5 reasoning)?$/,
  /^50 in, 16 read from cache, 8 written to cache, 17 out(?:, 0 reasoning)?$/,
  /^9 in$/,
  /^84 in, 32 read from cache, 34 out, 10 reasoning$/,
  /^42 in, 17 out, 38 input_audio$/,
];

describe('the truth of the server behind the captures', () => {
  const calls = cases.flatMap((golden) => readExpected(golden).calls.map((call) => ({ golden, call })));

  it('is what every call with tokens counts, or the row says what is missing', () => {
    for (const { golden, call } of calls) {
      const tokens = call['tokens'] as string | undefined;
      const incomplete = (call['incomplete'] ?? []) as readonly string[];
      const isTrue = tokens !== undefined && TRUTH.some((truth) => truth.test(tokens));
      const saysWhy = ['usage_not_reported', 'usage_without_cache', 'attributes_dropped'].some((reason) =>
        incomplete.includes(reason),
      );
      expect(isTrue || saysWhy || call['error'] !== undefined, `${golden.emitter}/${golden.name}`).toBe(true);
    }
  });

  it('gave every answer an id of its own, so no case may show one twice', () => {
    for (const golden of cases) {
      // Written by hand, with one id for everything.
      if (golden.emitter === 'semconv-latest-handwritten') continue;
      const ids = readExpected(golden).calls.flatMap((call) => call['response'] ?? []);
      expect(new Set(ids).size, `${golden.emitter}/${golden.name}`).toBe(ids.length);
    }
  });
});

it('has a golden case for every dialect', () => {
  const seen = new Set(
    cases.flatMap((golden) => readExpected(golden).calls.flatMap((call) => String(call['dialects']).split(' '))),
  );
  expect(DIALECTS.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
});
