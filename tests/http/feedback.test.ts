/** `POST /api/v1/feedback`: what it takes, who may send it, and what is told field by field. */

import { afterEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Feedback } from '../../src/contract/feedback.ts';
import type { EarlyApi } from '../../src/http/api.ts';
import { HttpServer, type HttpServerOptions } from '../../src/http/server.ts';

const TRACE = 'a1'.repeat(16);
const SPAN = 'b2'.repeat(8);
const KEYS = [
  { name: 'app', scopes: ['ingest' as const], key: 'ingest-key-0123456789' },
  { name: 'reader', scopes: ['read' as const], key: 'reader-key-0123456789' },
];

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(1_000)));
});

const unused = (): never => {
  throw new Error('Nobody asks for it.');
};

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly json: any;
}

/** Without a store: what it needs is there before that. */
async function serving(
  takeFeedback: EarlyApi['takeFeedback'],
  options: Partial<HttpServerOptions> = {},
): Promise<(body: unknown, headers?: Record<string, string>) => Promise<Answer>> {
  const early: EarlyApi = { status: unused, metrics: unused, notYet: unused, takeFeedback };
  const defaults = { host: '127.0.0.1', port: 0, keys: [], publicUrl: null, version: '1.2.3', onBug: unused };
  const server = new HttpServer(early, { ...defaults, ...options });
  servers.push(server);
  await server.start();
  return async (body, headers = {}) => {
    const response = await fetch(`${server.address}/api/v1/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      json: await response.json(),
    };
  };
}

/** What of it was taken. */
async function taken(body: unknown): Promise<readonly Feedback[]> {
  const all: Feedback[] = [];
  const post = await serving(async (feedback) => void all.push(...feedback));
  const { status, json } = await post(body);
  expect([status, json]).toEqual([202, { accepted: all.length }]);
  return all;
}

const UNKNOWN = {
  responseId: null,
  label: null,
  explanation: null,
  at: null,
  by: null,
  id: null,
  withdrawn: false,
  environment: null,
};

test('one judgement or a list of them, in the words of the API', async () => {
  const one = { trace_id: TRACE.toUpperCase(), span_id: SPAN, name: 'helpful', score: 1 };
  const first = { ...UNKNOWN, traceId: TRACE, spanId: SPAN, name: 'helpful', score: 1 };
  expect(await taken(one)).toEqual([first]);
  const whole = {
    response_id: 'chatcmpl-1',
    name: 'tone',
    label: 'rude',
    explanation: 'It shouts.',
    at: '2026-11-20T11:00:00+01:00',
    by: 'ann',
    id: 'm-1',
    environment: 'production',
  };
  expect(await taken([{ trace_id: TRACE, name: 'helpful', score: 0, label: 'no' }, whole])).toEqual([
    { ...first, spanId: '', score: 0, label: 'no' },
    {
      traceId: '',
      spanId: '',
      responseId: 'chatcmpl-1',
      name: 'tone',
      score: null,
      label: 'rude',
      explanation: 'It shouts.',
      at: '2026-11-20T10:00:00.000000000Z',
      by: 'ann',
      id: 'm-1',
      withdrawn: false,
      environment: 'production',
    },
  ]);
  const back = { trace_id: TRACE, span_id: SPAN, name: 'helpful', by: 'ann', withdrawn: true };
  expect(await taken(back)).toEqual([{ ...first, score: null, by: 'ann', withdrawn: true }]);
});

describe('what is wrong is told by its field, and then nothing is taken', () => {
  const good = { trace_id: TRACE, name: 'helpful', score: 1 };
  test.each<[string, unknown, readonly string[]]>([
    ['no call', { name: 'helpful', score: 1 }, ['trace_id']],
    ['a span without its trace', { response_id: 'x', span_id: SPAN, name: 'helpful', score: 1 }, ['span_id']],
    ['nothing said', { trace_id: TRACE, name: 'helpful' }, ['score']],
    ['taken back by nobody', { trace_id: TRACE, name: 'helpful', withdrawn: true }, ['withdrawn']],
    ['taken back and said', { ...good, by: 'ann', withdrawn: true }, ['withdrawn']],
    ['not taken back', { ...good, by: 'ann', withdrawn: false }, ['withdrawn']],
    ['a score that is none', { ...good, score: '1' }, ['score']],
    ['a trace of zeros', { ...good, trace_id: '0'.repeat(32) }, ['trace_id']],
    ['a short span', { ...good, span_id: 'b2' }, ['span_id']],
    ['an endless response id', { response_id: 'x'.repeat(1_025), name: 'helpful', score: 1 }, ['response_id']],
    ['no name', { ...good, name: '' }, ['name']],
    [
      'blank names',
      { ...good, name: ' \t\n', by: ' ', id: '\u3000', environment: ' ' },
      ['name', 'by', 'id', 'environment'],
    ],
    ['a blank label', { ...good, label: ' ' }, ['label']],
    ['a blank response id', { response_id: ' ', name: 'helpful', score: 1 }, ['response_id']],
    ['a label that usage would not count', { ...good, label: 'x'.repeat(61) }, ['label']],
    ['an endless explanation', { ...good, explanation: 'x'.repeat(20_001) }, ['explanation']],
    ['no time', { ...good, at: 'yesterday' }, ['at']],
    ['two of them', { trace_id: 'x', name: 'helpful', score: null }, ['trace_id', 'score']],
    ['the second of a list', [good, { ...good, score: 'high' }], ['1.score']],
    ['the second of a list, which names no call', [good, { name: 'helpful', score: 1 }], ['1.trace_id']],
    ['an empty list', [], ['body']],
    ['too long a list', Array.from({ length: 1_001 }, () => good), ['body']],
    ['neither', 'good', ['body']],
  ])('%s', async (_what, body, fields) => {
    const post = await serving(unused);
    const { status, json } = await post(body);
    expect(status).toBe(400);
    expect(json).toMatchObject({ title: 'Bad request', hint: expect.stringContaining('/openapi.json') });
    expect(json.errors.map(({ field }: any) => field)).toEqual(fields);
    expect(json.errors.every(({ message }: any) => message.length > 0)).toBe(true);
  });

  test('what is missing is said to be required', async () => {
    const post = await serving(unused);
    const { json } = await post([{ trace_id: TRACE, score: 1 }]);
    expect(json.errors).toEqual([{ field: '0.name', message: 'is required' }]);
  });

  test('in words, not in those of a library', async () => {
    const post = await serving(unused);
    const { json } = await post({ ...good, name: ' ', score: 'high', label: 'x'.repeat(61), by: 5 });
    expect(json.errors).toEqual([
      { field: 'name', message: 'must not be blank' },
      { field: 'score', message: 'must be a number, not "high"' },
      { field: 'label', message: 'must have at most 60 characters' },
      { field: 'by', message: 'must be a text, not 5' },
    ]);
  });

  test('also a field that does not exist', async () => {
    const post = await serving(unused);
    const { json } = await post({ ...good, rating: 5 });
    expect(json.errors).toEqual([{ field: 'rating', message: 'is not known here' }]);
    const second = await post([good, { ...good, rating: 5 }]);
    expect(second.json.errors).toEqual([{ field: '1.rating', message: 'is not known here' }]);
  });
});

test('a body that says that it is text, as `fetch` says by itself, is told what it is to be', async () => {
  const post = await serving(unused);
  const good = { trace_id: TRACE, name: 'helpful', score: 1 };
  expect(await post(good, { 'content-type': 'text/plain;charset=UTF-8' })).toMatchObject({
    status: 415,
    json: { hint: expect.stringContaining('content-type: application/json') },
  });
});

test('a body that is too large is told how large it may be', async () => {
  const post = await serving(unused);
  const explanation = 'x'.repeat(20_000);
  const many = Array.from({ length: 900 }, () => ({ trace_id: TRACE, name: 'helpful', score: 1, explanation }));
  expect(await post(many)).toMatchObject({ status: 413, json: { hint: expect.stringContaining('16 MiB') } });
});

test('the id that a gateway gives a response may be long', async () => {
  const responseId = `resp_${'bGl0ZWxsbTpjdXN0b20'.repeat(20)}`;
  expect(await taken({ response_id: responseId, name: 'helpful', score: 1 })).toMatchObject([{ responseId }]);
});

test('a spool that takes no more is told as a time to come back', async () => {
  const post = await serving(async () => {
    throw new Fault('overloaded', 'The spool is full.', { retryAfterMs: 5_000, hint: 'Send the same again.' });
  });
  expect(await post({ trace_id: TRACE, name: 'helpful', score: 1 })).toMatchObject({
    status: 503,
    retryAfter: '5',
    json: { status: 503, detail: 'The spool is full.', hint: 'Send the same again.' },
  });
});

test('whoever may send telemetry may send it, and nobody else', async () => {
  const post = await serving(async () => {}, { keys: KEYS });
  const good = { trace_id: TRACE, name: 'helpful', score: 1 };
  const status = async (key: string): Promise<number> =>
    (await post(good, key === '' ? {} : { authorization: `Bearer ${key}` })).status;
  expect(await status('')).toBe(401);
  expect(await status('reader-key-0123456789')).toBe(403);
  expect(await status('ingest-key-0123456789')).toBe(202);
});
