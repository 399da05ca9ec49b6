import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Timestamp } from '../../src/contract/time.ts';
import { createPriceBook } from '../../src/pricing/price-book.ts';
import { reprice } from '../../src/store/telemetry/reprice.ts';
import { repriceAll } from '../support/reprice-all.ts';
import { tempDirectory } from '../support/temp-directory.ts';
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
  expect(await repriceAll(store.invocations, `${day}000000Z` as Timestamp, TO, price)).toEqual({
    calls: 5,
    changed: 5,
  });
  expect((await usage())[0]).toMatchObject({ calls: 6, cost_usd: '210.0000425', unpriced_calls: 1 });
  expect(await repriceAll(store.invocations, FROM, TO, price)).toEqual({ calls: 6, changed: 1 });
  expect(await repriceAll(store.invocations, FROM, TO, price)).toEqual({ calls: 6, changed: 0 });
  expect(await store.database.query(rows)).toEqual(untouched);

  // A corrected price may also be none.
  expect(await repriceAll(store.invocations, FROM, TO, () => null)).toEqual({ calls: 6, changed: 6 });
  expect((await usage())[0]).toMatchObject({ calls: 6, cost_usd: '0', unpriced_calls: 6 });
});

const priceOf = (usd: number) =>
  createPriceBook([{ model: 'own', input_usd_per_million: usd * 1_000_000, output_usd_per_million: 0 }]);

const own = (traceId: string, hoursAgo: number, inputTokens: number, spanId = hexId(8)) => ({
  traceId,
  spanId,
  startMs: Date.now() - 10_000 - hoursAgo * 3_600_000,
  attributes: chatAttributes('s', [{ role: 'user', text: 'x' }], 'y', {
    'gen_ai.request.model': 'own',
    'gen_ai.response.model': 'own',
    'gen_ai.usage.input_tokens': inputTokens,
    'gen_ai.usage.cache_read.input_tokens': 0,
  }),
});

const costs = async (traceId: string): Promise<readonly (string | null)[]> => {
  const { items } = await store.invocations.list({ traceId }, { limit: 10 });
  return items.map(({ costUsd }) => costUsd);
};

it('goes on from where the answer before it ended', async () => {
  const ingest = createIngest(store.telemetry, { price: priceOf(1) });
  await ingest.start();
  const traceIds = [3, 2, 1].map(() => hexId(16));
  const spans = traceIds.map((traceId, index) => own(traceId, 400 - index * 3, 7));
  await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
  await eventually(
    async () => (await Promise.all(traceIds.map(costs))).flat(),
    ({ length }) => length === 3,
  );
  await ingest.stop(5_000);
  const from = new Date(Date.now() - 401 * 3_600_000).toISOString().replace('Z', '000000Z') as Timestamp;
  const to = new Date(Date.now() - 390 * 3_600_000).toISOString().replace('Z', '000000Z') as Timestamp;
  const answers: number[] = [];
  for (let next: Timestamp | null = from; next !== null;) {
    const some = await reprice(store.database, next, to, priceOf(2), 0);
    answers.push(some.changed);
    next = some.next;
  }
  expect(answers).toEqual([1, 1, 1]);
  expect((await Promise.all(traceIds.map(costs))).flat()).toEqual(['14', '14', '14']);
});

it('is the only thing that restates a price, unless the call turns out to be another', async () => {
  const dataDirectory = tempDirectory();
  const [traceId, spanId] = [hexId(16), hexId(8)];
  const before = createIngest(store.telemetry, { dataDirectory, price: priceOf(1) });
  await before.start();
  const first = own(traceId, 1, 7, spanId);
  await before.accept({ signal: 'traces', encoding: 'json', body: tracesBody([first]) });
  await eventually(
    () => costs(traceId),
    ({ length }) => length === 1,
  );
  await before.stop(5_000);

  const after = createIngest(store.telemetry, { dataDirectory, price: priceOf(2) });
  await after.start();
  // A second call of the trace has it settled again, at first with all that is stored of the first one.
  await after.accept({ signal: 'traces', encoding: 'json', body: tracesBody([own(traceId, 1, 7)]) });
  expect(
    await eventually(
      () => costs(traceId),
      ({ length }) => length === 2,
    ),
  ).toEqual(expect.arrayContaining(['7', '14']));
  // Again, out of memory.
  await after.accept({ signal: 'traces', encoding: 'json', body: tracesBody([own(traceId, 1, 7)]) });
  const third = await eventually(
    () => costs(traceId),
    ({ length }) => length === 3,
  );
  expect(third.map(String).toSorted()).toEqual(['14', '14', '7']);
  // The call itself says more than before.
  const inner = {
    ...own(traceId, 1, 9, hexId(8)),
    parentSpanId: spanId,
    scope: 'inner',
    startMs: first.startMs + 10,
    durationMs: 5,
  };
  await after.accept({ signal: 'traces', encoding: 'json', body: tracesBody([inner]) });
  const fourth = await eventually(
    () => costs(traceId),
    (all) => all.includes('18'),
  );
  expect(fourth.map(String).toSorted()).toEqual(['14', '14', '18']);
  await after.stop(5_000);
});

it('stands when a call is corrected later that was read back before', async () => {
  const dataDirectory = tempDirectory();
  const [traceId, spanId] = [hexId(16), hexId(8)];
  const before = createIngest(store.telemetry, { dataDirectory, price: priceOf(1) });
  await before.start();
  const first = own(traceId, 2, 7, spanId);
  await before.accept({ signal: 'traces', encoding: 'json', body: tracesBody([first]) });
  await eventually(
    () => costs(traceId),
    ({ length }) => length === 1,
  );
  await before.stop(5_000);

  const after = createIngest(store.telemetry, { dataDirectory, price: priceOf(2) });
  await after.start();
  // A second call of the trace has the first one read back, with what it cost.
  await after.accept({ signal: 'traces', encoding: 'json', body: tracesBody([own(traceId, 2, 7)]) });
  await eventually(
    () => costs(traceId),
    ({ length }) => length === 2,
  );
  await after.repricing({ from: FROM, to: TO });
  await repriceAll(store.invocations, FROM, TO, priceOf(2));
  expect(await costs(traceId)).toEqual(['14', '14']);
  // Its tokens and its model are the same; only its user was not known.
  const agent = {
    ...own(traceId, 2, 7),
    startMs: first.startMs - 10,
    durationMs: 10_000,
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'user.id': 'somebody' },
  };
  const below = { ...first, parentSpanId: agent.spanId };
  await after.accept({ signal: 'traces', encoding: 'json', body: tracesBody([agent, below]) });
  const usersAndCosts = await eventually(
    async () => (await store.invocations.list({ traceId }, { limit: 10 })).items,
    (items) => items.some(({ invocation }) => invocation.userId === 'somebody'),
  );
  expect(usersAndCosts.map(({ costUsd }) => costUsd)).toEqual(['14', '14']);
  await after.stop(5_000);
});

it('stands when another replica corrects a call that it read back before', async () => {
  const [traceId, spanId] = [hexId(16), hexId(8)];
  const before = createIngest(store.telemetry, { price: priceOf(1) });
  await before.start();
  const first = own(traceId, 3, 7, spanId);
  await before.accept({ signal: 'traces', encoding: 'json', body: tracesBody([first]) });
  await eventually(
    () => costs(traceId),
    ({ length }) => length === 1,
  );
  await before.stop(5_000);

  const replica = () =>
    createIngest(store.telemetry, { price: priceOf(2), isShared: true, limits: { sightingsMs: 50 } });
  const [one, other] = [replica(), replica()];
  await Promise.all([one.start(), other.start()]);
  await other.accept({ signal: 'traces', encoding: 'json', body: tracesBody([own(traceId, 3, 7)]) });
  await eventually(
    () => costs(traceId),
    ({ length }) => length === 2,
  );
  await one.repricing({ from: FROM, to: TO });
  await repriceAll(store.invocations, FROM, TO, priceOf(2));
  expect(await costs(traceId)).toEqual(['14', '14']);
  const agent = {
    ...own(traceId, 3, 7),
    startMs: first.startMs - 10,
    durationMs: 10_000,
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'user.id': 'somebody' },
  };
  const below = { ...first, parentSpanId: agent.spanId };
  await other.accept({ signal: 'traces', encoding: 'json', body: tracesBody([agent, below]) });
  const items = await eventually(
    async () => (await store.invocations.list({ traceId }, { limit: 10 })).items,
    (calls) => calls.some(({ invocation }) => invocation.userId === 'somebody'),
  );
  expect(items.map(({ costUsd }) => costUsd)).toEqual(['14', '14']);
  await Promise.all([one.stop(5_000), other.stop(5_000)]);
});

it('begins when the other replicas have heard of it, also where it is asked for again meanwhile', async () => {
  const one = createIngest(store.telemetry, { isShared: true, limits: { sightingsMs: 50 } });
  await one.start();
  const tookMs = async (): Promise<number> => {
    const startMs = performance.now();
    await one.repricing({ from: FROM, to: TO });
    return performance.now() - startMs;
  };
  for (const took of await Promise.all([tookMs(), tookMs()])) expect(took).toBeGreaterThan(390);
  // What they have heard of once is not told again with each portion of it.
  expect(await tookMs()).toBeLessThan(100);
  await one.stop(5_000);
});

it('is right for a call that turns out to have parts with prices of their own, also after a restart', async () => {
  const dataDirectory = tempDirectory();
  const price = createPriceBook([
    { model: 'own', input_usd_per_million: 1, output_usd_per_million: 0, input_audio_usd_per_million: 1_000_000 },
  ]);
  const traceId = hexId(16);
  const inner = own(traceId, 1, 7);
  const before = createIngest(store.telemetry, { dataDirectory, price });
  await before.start();
  await before.accept({ signal: 'traces', encoding: 'json', body: tracesBody([inner]) });
  await eventually(
    () => costs(traceId),
    ({ length }) => length === 1,
  );
  await before.stop(5_000);
  const after = createIngest(store.telemetry, { dataDirectory, price });
  await after.start();
  // The view around it counts the same, and says what it counts.
  const outer = { ...inner, spanId: hexId(8), startMs: inner.startMs - 10, durationMs: 10_000, scope: 'outer' };
  const attributes = { ...inner.attributes, 'gen_ai.usage.audio.input_tokens': 7 };
  const below = { ...inner, parentSpanId: outer.spanId };
  await after.accept({ signal: 'traces', encoding: 'json', body: tracesBody([{ ...outer, attributes }, below]) });
  expect(
    await eventually(
      () => costs(traceId),
      (all) => all.length === 1 && all[0] !== '0.000007',
    ),
  ).toEqual(['7']);
  await after.stop(5_000);
});
