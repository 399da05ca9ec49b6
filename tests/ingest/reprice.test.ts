import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Timestamp } from '../../src/contract/time.ts';
import { createPriceBook } from '../../src/pricing/price-book.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore, tracesBody, type OpenStore } from './harness.ts';

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

const FROM = '2020-01-01T00:00:00.000000000Z' as Timestamp;
const TO = '2100-01-01T00:00:00.000000000Z' as Timestamp;

it('restates the cost of calls in the range, of every part of the day, and nothing else', async () => {
  const ingest = createIngest(store.telemetry);
  await ingest.start();
  const hoursAgo = [0, 1, 2, 30, 31, 900];
  const spans = hoursAgo.map((hours) => ({
    traceId: hexId(16),
    startMs: Date.now() - 10_000 - hours * 3_600_000,
    attributes: chatAttributes('s', [{ role: 'user', text: 'x' }], 'y', {
      'gen_ai.request.model': 'private',
      'gen_ai.response.model': 'private',
    }),
  }));
  await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
  const usage = () => store.invocations.usage({ groupBy: ['model'], from: FROM, to: TO });
  const [before] = await eventually(usage, ([row]) => row?.calls === spans.length);
  expect(before).toMatchObject({ calls: 6, cost_usd: '0', unpriced_calls: 6 });
  await ingest.stop(5_000);
  const rows = 'SELECT * EXCEPT (cost_usd, price_id, revision) FROM invocations FINAL ORDER BY trace_id';
  const untouched = await store.database.query(rows);

  const price = createPriceBook([{ model: 'private', input_usd_per_million: 1_000_000, output_usd_per_million: 0.5 }]);
  const day = new Date(Date.now() - 40 * 3_600_000).toISOString().slice(0, 23);
  expect(await store.invocations.reprice(`${day}000000Z` as Timestamp, TO, price)).toEqual({ calls: 5, changed: 5 });
  expect((await usage())[0]).toMatchObject({ calls: 6, cost_usd: '210.0000425', unpriced_calls: 1 });
  expect(await store.invocations.reprice(FROM, TO, price)).toEqual({ calls: 6, changed: 1 });
  expect(await store.invocations.reprice(FROM, TO, price)).toEqual({ calls: 6, changed: 0 });
  expect(await store.database.query(rows)).toEqual(untouched);

  // A corrected price may also be none.
  expect(await store.invocations.reprice(FROM, TO, () => null)).toEqual({ calls: 6, changed: 6 });
  expect((await usage())[0]).toMatchObject({ calls: 6, cost_usd: '0', unpriced_calls: 6 });
});
