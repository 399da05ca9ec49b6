/** A reader never throws, whatever stands where it looks: a record that does not read is lost whole. */

import { describe, expect, it } from 'vitest';
import { type WireRequest, factsOf, goldenCases, requestsOf } from './cases.ts';

const LONG = JSON.stringify(Array.from({ length: 200_000 }, () => ({ role: 'user', content: 'x' })));

const VALUES: readonly (readonly [string, unknown])[] = [
  ['a number beyond all', { stringValue: '1e305' }],
  ['one below all', { doubleValue: -1e305 }],
  ['the name of a method', { stringValue: 'constructor' }],
  ['an object', { stringValue: '{"a":{"b":[null]},"id":[],"usage":1}' }],
  ['lists', { stringValue: '[[{"id":1,"kwargs":{}}],null,[[]]]' }],
  ['a response', { stringValue: '{"choices":[1,{"message":1}],"object":{}}' }],
  ['JSON that was cut', { stringValue: '{"messages":[{"role":"us' }],
  ['a list', { arrayValue: { values: [{}, { stringValue: 'x' }, { kvlistValue: { values: [] } }] } }],
  ['a map', { kvlistValue: { values: [{ key: '__proto__', value: { intValue: '1' } }] } }],
  ['nothing', {}],
];

/** The attributes that decide who reads a record at all. */
const DECISIVE = /(?:kind|type|subtype|operationId|operation\.name|event\.name)$/;

type Json = Readonly<Record<string, unknown>>;

function withValues(request: WireRequest, value: unknown): WireRequest {
  const replace = (key: string, held: unknown): unknown => {
    if (key !== 'attributes') return held;
    return (held as readonly Json[]).map((pair) => (DECISIVE.test(String(pair['key'])) ? pair : { ...pair, value }));
  };
  return { ...request, bytes: Buffer.from(JSON.stringify(JSON.parse(request.bytes.toString(), replace))) };
}

const requests = goldenCases()
  .filter(({ encodings }) => encodings.includes('json'))
  .flatMap((golden) => requestsOf(golden, 'json'));

describe('in every attribute of every golden case', () => {
  it.each(VALUES)('%s', (_what, value) => {
    for (const request of requests) expect(() => factsOf(withValues(request, value)), request.file).not.toThrow();
  });
});

it('a list that is longer than a call may have arguments', () => {
  const attributes = (key: string, stringValue: string) => [{ key, value: { stringValue } }];
  const events = [{ name: 'gen_ai.content.prompt', attributes: attributes('gen_ai.prompt', LONG) }];
  const ids = { traceId: '1'.repeat(32), spanId: '2'.repeat(16) };
  const span = { ...ids, attributes: attributes('gen_ai.operation.name', 'chat'), events };
  const bytes = Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
  const [facts] = factsOf({ file: 'long', signal: 'traces', encoding: 'json', bytes });
  expect(facts?.input).toHaveLength(200_000);
});
