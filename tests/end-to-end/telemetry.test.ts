/** Captured requests of real emitters, sent to the running daemon over HTTP: the true tokens, models and messages, each call once. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';

const GOLDEN = join(import.meta.dirname, '../golden/otlp');

let directory: string;
let daemon: Daemon;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-otlp-'));
  writeFileSync(join(directory, 'plumbline.yaml'), 'store: { path: ./data }\n');
  daemon = await startDaemon(directory);
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Request {
  readonly signal: 'traces' | 'logs';
  readonly json: boolean;
  readonly body: Buffer;
}

/** The requests of a case in one encoding. */
function requestsOf(dialect: string, name: string, extension: 'pb' | 'json'): Request[] {
  const folder = join(GOLDEN, dialect, name);
  return readdirSync(folder)
    .filter((file) => file !== 'expected.json' && file.endsWith(`.${extension}`))
    .toSorted()
    .map((file) => ({
      signal: file.includes('.logs.') ? 'logs' : 'traces',
      json: extension === 'json',
      body: readFileSync(join(folder, file)),
    }));
}

async function send({ signal, json, body }: Request, compress = false): Promise<number> {
  const response = await fetch(`${daemon.otlp}/v1/${signal}`, {
    method: 'POST',
    headers: {
      'content-type': json ? 'application/json' : 'application/x-protobuf',
      ...(compress ? { 'content-encoding': 'gzip' } : {}),
    },
    body: new Uint8Array(compress ? gzipSync(body) : body),
  });
  return response.status;
}

interface Call {
  readonly span_id: string;
  readonly response_model: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly input: readonly { readonly role: string; readonly parts: readonly { readonly text?: string }[] }[] | null;
}

function spansOf(dialect: string, name: string): string[] {
  const expected = JSON.parse(readFileSync(join(GOLDEN, dialect, name, 'expected.json'), 'utf8'));
  return expected.calls.map((call: { span: string }) => call.span).toSorted();
}

async function callsWith(spans: readonly string[]): Promise<Call[]> {
  const { data } = await daemon.get<{ data: Call[] }>('/api/v1/invocations?limit=1000');
  return data.filter((call) => spans.includes(call.span_id));
}

/** Whatever was sent is settled and stored then. */
async function allSettled(): Promise<void> {
  await eventually(async () => {
    const text = await (await fetch(`${daemon.api}/metrics`)).text();
    return /^plumbline_ingest_spool_bytes\S* 0$/m.test(text);
  });
}

describe.each([
  ['semconv-latest-handwritten', 'span-attrs-json-string'],
  ['semconv-latest-handwritten', 'agent-tree'],
  ['otel-openai', 'chat-basic'],
  ['openinference', 'chat-basic'],
  ['openinference', 'anthropic-basic'],
  ['vercel-ai-v5', 'generateText-basic'],
  ['vercel-ai-v7', 'generateText-tools-multistep'],
])('%s, %s', (dialect, name) => {
  test('each call once, with its true tokens, also when everything is sent twice', async () => {
    const spans = spansOf(dialect, name);
    const requests = requestsOf(dialect, name, 'pb');
    const all = requests.length > 0 ? requests : requestsOf(dialect, name, 'json');
    for (const [index, request] of all.entries()) expect(await send(request, index % 2 === 1)).toBe(200);
    await allSettled();
    const calls = await callsWith(spans);
    expect(calls.map(({ span_id }) => span_id).toSorted()).toEqual(spans);
    const isAnthropic = name.startsWith('anthropic');
    for (const call of calls) {
      expect(call.input_tokens).toBe(isAnthropic ? 50 : 42);
      expect(call.output_tokens).toBe(17);
      expect(call.response_model).not.toBe('');
    }
    const before = await daemon.get<{ data: unknown[] }>(
      '/api/v1/usage?group_by=service,model&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z',
    );
    for (const request of all.toReversed()) expect(await send(request, true)).toBe(200);
    await allSettled();
    const after = await daemon.get<{ data: unknown[] }>(
      '/api/v1/usage?group_by=service,model&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z',
    );
    expect(after).toEqual(before);
    expect(await callsWith(spans)).toEqual(calls);
  });
});

test('what is not OTLP is refused with a status body, and nothing else suffers', async () => {
  const response = await fetch(`${daemon.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"resourceSpans": [{"scopeSpans": "no"}]}',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ message: expect.any(String) });
  const binary = await fetch(`${daemon.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f]),
  });
  expect(binary.status).toBe(400);
  expect(binary.headers.get('content-type')).toContain('application/x-protobuf');
});

test('what was taken, refused, settled and stored is counted where Prometheus finds it', async () => {
  const [request] = requestsOf('otel-openai', 'chat-basic', 'pb');
  expect(await send(request as Request)).toBe(200);
  const refused = await fetch(`${daemon.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  });
  expect(refused.status).toBe(400);
  const count = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  await eventually(async () => {
    const text = await (await fetch(`${daemon.api}/metrics`)).text();
    expect(count(text, /^plumbline_otlp_requests_total\{.*outcome="accepted".*\} (\d+)/m)).toBeGreaterThan(0);
    expect(count(text, /^plumbline_otlp_requests_total\{.*outcome="undecodable".*\} (\d+)/m)).toBeGreaterThan(0);
    expect(count(text, /^plumbline_ingest_settled_total\{.*what="new".*\} (\d+)/m)).toBeGreaterThan(0);
    expect(count(text, /^plumbline_ingest_inserted_bytes_total\{.*lane="invocations".*\} (\d+)/m)).toBeGreaterThan(0);
    expect(text).toMatch(/^plumbline_ingest_spool_bytes(?:\{.*\})? \d+/m);
    return true;
  });
});
