/** Audio, one-hour cache writes and searches of the web from the wire to the API: their counts, what they cost, added up and priced anew. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hexId } from '../ingest/harness.ts';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { sendSpans } from '../support/send-spans.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const directory = tempDirectory();
const configure = (audioUsd: number) =>
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    `store: { path: ./data }
prices:
  - { model: own-voice, input_usd_per_million: 1, output_usd_per_million: 2, input_audio_usd_per_million: ${audioUsd} }
`,
  );

let daemon: Daemon;
beforeAll(async () => {
  configure(10);
  daemon = await startDaemon(directory);
});
afterAll(() => daemon.stop());

const of = (model: string, attributes: Readonly<Record<string, string | number>>) => ({
  traceId: hexId(16),
  startMs: Date.now() - 60_000,
  attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model, ...attributes },
});
const VOICE = {
  'gen_ai.usage.input_tokens': 1_000,
  'gen_ai.usage.output_tokens': 300,
  'gen_ai.usage.cache_read.input_tokens': 600,
  'gen_ai.usage.audio.input_tokens': 800,
  'gen_ai.usage.audio.cache_read.input_tokens': 450,
  'gen_ai.usage.audio.output_tokens': 250,
};
const SPANS = [
  of('gpt-realtime', { 'gen_ai.provider.name': 'openai', ...VOICE }),
  of('gpt-realtime', { 'gen_ai.provider.name': 'openai', ...VOICE }),
  of('claude-haiku-4-5', {
    'langsmith.span.kind': 'llm',
    'langsmith.metadata.ls_provider': 'anthropic',
    'langsmith.usage_metadata': JSON.stringify({
      input_tokens: 1_000,
      output_tokens: 50,
      input_token_details: { cache_read: 200, ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
    }),
  }),
  of('own-voice', {
    'gen_ai.usage.input_tokens': 100,
    'gen_ai.usage.output_tokens': 0,
    'gen_ai.usage.details.input_audio_tokens': 40,
  }),
  of('gpt-4o', { 'gen_ai.provider.name': 'openai', 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 1 }),
];

const SEARCHING = of('claude-sonnet-4-5', {
  'gen_ai.provider.name': 'anthropic',
  'gen_ai.usage.input_tokens': 100,
  'gen_ai.usage.output_tokens': 10,
  'gen_ai.usage.raw': JSON.stringify({ server_tool_use: { web_search_requests: 2 } }),
});

interface Row {
  readonly model: string;
  readonly trace_id: string;
  readonly token_parts: object;
  readonly web_searches: number;
  readonly cost_usd: string;
}
const usage = () => daemon.get<{ data: Row[] }>('/api/v1/usage?group_by=model&from=2020-01-01T00:00:00Z');
const byModel = async () =>
  Object.fromEntries((await usage()).data.map((row) => [row.model, [row.token_parts, row.cost_usd]]));

const AUDIO = { input_audio: 800, cache_audio_read: 450, output_audio: 250 };
const TWICE = { input_audio: 1_600, cache_audio_read: 900, output_audio: 500 };
// See tests/pricing/token-parts.test.ts.
const [REALTIME_USD, HAIKU_USD] = ['0.02844', '0.00122'];

test('calls and usage show the parts, and what they cost', async () => {
  await sendSpans(daemon, SPANS);
  const calls = await eventually(async () => {
    const { data } = await daemon.get<{ data: Row[] }>('/api/v1/invocations?limit=100');
    return data.length === SPANS.length && data;
  });
  const shown = SPANS.map(({ traceId }) => {
    const call = calls.find(({ trace_id }) => trace_id === traceId);
    return [call?.token_parts, call?.cost_usd];
  });
  expect(shown).toEqual([
    [AUDIO, REALTIME_USD],
    [AUDIO, REALTIME_USD],
    [{ cache_write_1h: 100 }, HAIKU_USD],
    // (60 × 1 + 40 × 10) / 1,000,000
    [{ input_audio: 40 }, '0.00046'],
    [{}, '0.000035'],
  ]);
  expect(await byModel()).toEqual({
    'gpt-realtime': [TWICE, '0.05688'],
    'claude-haiku-4-5': [{ cache_write_1h: 100 }, HAIKU_USD],
    'own-voice': [{ input_audio: 40 }, '0.00046'],
    'gpt-4o': [{}, '0.000035'],
  });
});

test('searches of the web have their price, beside the tokens', async () => {
  await sendSpans(daemon, [SEARCHING]);
  const call = await eventually(async () => {
    const { data } = await daemon.get<{ data: Row[] }>(`/api/v1/invocations?trace_id=${SEARCHING.traceId}`);
    return data[0];
  });
  // (100 × 3 + 10 × 15) / 1,000,000 and 2 × 0.01
  expect([call.web_searches, call.cost_usd]).toEqual([2, '0.02045']);
  const row = (await usage()).data.find(({ model }) => model === 'claude-sonnet-4-5');
  expect([row?.web_searches, row?.cost_usd]).toEqual([2, '0.02045']);
});

test('a corrected price of audio is that of the stored calls after `reprice`, and what is right stays', async () => {
  await daemon.stop();
  configure(20);
  daemon = await startDaemon(directory);
  const response = await fetch(new URL('/api/v1/reprice', daemon.api), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from: '2020-01-01T00:00:00Z', to: new Date().toISOString() }),
  });
  expect(await response.json()).toEqual({ calls: SPANS.length + 1, changed: 1, next: null, calls_kept_since: null });
  expect(await byModel()).toMatchObject({
    'gpt-realtime': [TWICE, '0.05688'],
    'claude-haiku-4-5': [{ cache_write_1h: 100 }, HAIKU_USD],
    // (60 × 1 + 40 × 20) / 1,000,000
    'own-voice': [{ input_audio: 40 }, '0.00086'],
    'gpt-4o': [{}, '0.000035'],
  });
});
