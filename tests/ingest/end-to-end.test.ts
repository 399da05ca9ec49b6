import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore, tracesBody, type OpenStore } from './harness.ts';

let store: OpenStore;
let ingest: Ingest;

beforeAll(async () => {
  store = await openStore();
  ingest = createIngest(store.telemetry);
  await ingest.start();
});

afterAll(async () => {
  await ingest.stop(5_000);
  await store.database.close();
});

const SYSTEM = `You are a support assistant. ${'Be kind and precise, and never promise a refund. '.repeat(4)}`;

describe('one call from its bytes to its row', () => {
  const traceId = hexId(16);
  const spanId = hexId(8);
  const body = tracesBody([
    {
      traceId,
      spanId,
      attributes: chatAttributes(SYSTEM, [{ role: 'user', text: 'Where is my order?' }], 'On its way.'),
    },
  ]);
  const ask = () => store.invocations.list({ traceId }, { limit: 10 });

  it('is there with content, tokens and price', async () => {
    const answer = await ingest.accept({ signal: 'traces', encoding: 'json', body });
    expect(answer).toEqual({ outcome: 'durable', rejected: 0, message: '' });
    const { items } = await eventually(ask, (page) => page.items.length > 0);
    expect(items).toHaveLength(1);
    const [row] = items;
    expect(row?.invocation).toMatchObject({
      traceId,
      spanId,
      service: 'shop',
      environment: 'production',
      provider: 'openai',
      responseModel: 'gpt-4o-2024-08-06',
      tokens: { input: 42, output: 17, cacheRead: 16 },
      input: [
        { role: 'system', parts: [{ type: 'text', text: SYSTEM }] },
        { role: 'user', parts: [{ type: 'text', text: 'Where is my order?' }] },
      ],
      output: [{ role: 'assistant', parts: [{ type: 'text', text: 'On its way.' }] }],
    });
    // (26 × 2.5 + 16 × 1.25 + 17 × 10) / 1,000,000
    expect(row?.costUsd).toBe('0.000255');
    expect(row?.priceId).toMatch(/^genai-prices@[\d.]+:openai\/gpt-4o$/);
  });

  it('keeps the instruction text under its hash', async () => {
    const { items } = await ask();
    const hash = items[0]?.promptHash;
    expect(hash).not.toBeNull();
    const texts = await store.texts.get(hash == null ? [] : [hash]);
    expect([...texts.values()]).toEqual([SYSTEM]);
  });

  it('changes nothing when the same body comes again', async () => {
    const before = await store.database.query('SELECT * FROM invocations FINAL ORDER BY trace_id, span_id');
    await ingest.accept({ signal: 'traces', encoding: 'json', body });
    // A later call shows that the resent one has been settled, too.
    const marker = hexId(16);
    const late = tracesBody([{ traceId: marker, attributes: chatAttributes('s', [], 'done') }]);
    await ingest.accept({ signal: 'traces', encoding: 'json', body: late });
    await eventually(
      () => store.invocations.list({ traceId: marker }, { limit: 1 }),
      (page) => page.items.length > 0,
    );
    const after = await store.database.query(
      'SELECT * FROM invocations FINAL WHERE trace_id != {marker:String} ORDER BY trace_id, span_id',
      { marker },
    );
    expect(after).toEqual(before);
  });

  it('shows in usage, in the fixed shape', async () => {
    const from = '2020-01-01T00:00:00.000000000Z' as never;
    const to = '2100-01-01T00:00:00.000000000Z' as never;
    const rows = await store.invocations.usage({ groupBy: ['model', 'service', 'prompt'], from, to });
    expect(rows).toEqual([
      {
        model: 'gpt-4o-2024-08-06',
        service: 'shop',
        prompt: null,
        calls: 2,
        errors: 0,
        input_tokens: 84,
        output_tokens: 34,
        cache_read_tokens: 32,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        token_parts: {},
        web_searches: 0,
        cost_usd: '0.00051',
        unpriced_calls: 0,
        latency_ms: { p50: 500, p95: 500, p99: 500 },
        first_token_ms: { p50: null, p95: null, p99: null },
        output_tokens_of_call: { p50: 17, p95: 17, p99: 17 },
        finish_reasons: { stop: 2 },
        evaluations: {},
      },
    ]);
  });
});
