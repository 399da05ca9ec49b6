/** A sender whose clock is wrong is listed with the time it claims, and hides nobody else's calls; our own may be wrong as well. */

import { expect, it } from 'vitest';
import { quarantineLine } from '../../src/ingest/quarantine.ts';
import { timestampFromMillis } from '../../src/lib/time.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore, tracesBody, withIngest } from './harness.ts';

const YEAR_MS = 365.25 * 24 * 3_600_000;
const LATEST = '2105-12-31T23:59:59.999999999Z';

it('lists and counts the other calls when one began in another century', async () => {
  const store = await openStore();
  const ingest = createIngest(store.telemetry);
  await ingest.start();
  const nowMs = Date.now();
  const attributes = chatAttributes('s', [{ role: 'user', text: 'x' }], 'y');
  // ClickHouse's DateTime starts again from 1970 in 2106, its Date in 2149, and its DateTime64(9) ends in 2262.
  const starts = [0, nowMs, nowMs + 100 * YEAR_MS, nowMs + 150 * YEAR_MS, nowMs + 400 * YEAR_MS].map(Math.round);
  const drafts = starts.map((startMs) => ({ traceId: hexId(16), startMs, attributes }));
  await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(drafts) });

  const { items } = await eventually(
    () => store.invocations.list({}, { limit: 10 }),
    ({ items: all }) => all.length === starts.length,
  );
  expect(items.slice(0, 3).map(({ invocation }) => invocation.startedAt)).toEqual([LATEST, LATEST, LATEST]);
  for (const { traceId } of drafts) {
    expect((await store.invocations.list({ traceId }, { limit: 2 })).items).toHaveLength(1);
  }
  const [from, to] = [timestampFromMillis(nowMs - 60_000), timestampFromMillis(nowMs + 60_000)];
  expect(await store.invocations.usage({ groupBy: ['service'], from, to })).toMatchObject([{ calls: 1 }]);
  await ingest.stop(5_000);
  await store.database.close();
});

it('stores calls that began in more months than the engine takes in one insert by default', async () => {
  const store = await openStore();
  await withIngest(store.telemetry, {}, async (ingest) => {
    const attributes = chatAttributes('s', [{ role: 'user', text: 'x' }], 'y');
    const starts = Array.from({ length: 105 }, (_, index) => Date.UTC(1990, index, 15));
    const drafts = starts.map((startMs) => ({ traceId: hexId(16), startMs, attributes }));
    await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(drafts) });
    const [from, to] = [timestampFromMillis(0), timestampFromMillis(Date.now())];
    const calls = async () => (await store.invocations.usage({ groupBy: ['service'], from, to }))[0]?.calls;
    expect(await eventually(calls, (count) => count === starts.length)).toBe(starts.length);
    expect(ingest.problems).toEqual([]);
  });
  await store.database.close();
});

it('closes what was put aside while the clock was ahead', async () => {
  const store = await openStore();
  await withIngest(store.telemetry, {}, async ({ quarantine }) => {
    const entry = { id: 'early', at: timestampFromMillis(Date.now() + YEAR_MS), kind: 'trace', lane: '' } as const;
    const line = quarantineLine({ ...entry, reason: 'a test', payload: '[]', status: 'waiting' });
    await store.telemetry.insertLines('quarantine', Buffer.from(line));
    await quarantine.replay(entry.id);
    expect(await quarantine.show(entry.id)).toMatchObject({ status: 'replayed' });
    await quarantine.discard(entry.id);
    expect(await quarantine.list('waiting', 10)).toEqual([]);
    expect(await quarantine.show(entry.id)).toMatchObject({ status: 'discarded' });
  });
  await store.database.close();
});
