/** The entrance takes telemetry where there is no store; an ingest that comes later stores it once. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { KEEP_EVERYTHING } from '../../src/ingest/content/policy.ts';
import { Entrance } from '../../src/ingest/entrance.ts';
import { Ingest } from '../../src/ingest/ingest.ts';
import type { IngestLimits } from '../../src/ingest/limits.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createPriceBook } from '../../src/pricing/price-book.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { chatAttributes, createIngest, eventually, openStore, tracesBody, type OpenStore } from './harness.ts';

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

function entranceOf(dataDirectory: string, limits: Partial<IngestLimits> = {}): Entrance {
  const onError = (error: unknown): void => {
    throw error;
  };
  return new Entrance({ clock: systemClock, dataDirectory, policies: KEEP_EVERYTHING, onError, limits });
}

/** One that leaves the entrance open when it is stopped, as in a daemon whose start is tried again. */
function ingestBehind(entrance: Entrance): Ingest {
  return new Ingest({
    entrance,
    log: store.telemetry,
    clock: systemClock,
    horizon: new KnowledgeHorizon(systemClock),
    attribute: () => ({ kind: 'unknown', prompt: null, version: null, owner: null }),
    price: createPriceBook([]),
    onError: (error) => {
      throw error;
    },
  });
}

async function send(entrance: Entrance, service: string, answer: string): Promise<string> {
  const attributes = chatAttributes('Be brief.', [{ role: 'user', text: 'Hello?' }], answer);
  const body = tracesBody([{ service, attributes }]);
  return (await entrance.accept({ signal: 'traces', encoding: 'json', body })).outcome;
}

async function stored(service: string): Promise<number> {
  return (await store.invocations.list({ service }, { limit: 10 })).items.length;
}

test('before it is open and after it is closed senders are told to come back', async () => {
  const entrance = entranceOf(tempDirectory());
  expect(await send(entrance, 'refused', 'one')).toBe('overloaded');
  await entrance.open();
  expect(await send(entrance, 'refused', 'two')).toBe('durable');
  expect(entrance.waitingBytes).toBeGreaterThan(0);
  await entrance.close();
  await entrance.close();
  expect(await send(entrance, 'refused', 'three')).toBe('overloaded');
  expect(entrance.waitingBytes).toBeGreaterThan(0);
});

test('what it took is stored once by the ingest that comes later, also of a process before', async () => {
  const dataDirectory = tempDirectory();
  const before = entranceOf(dataDirectory);
  await before.open();
  await send(before, 'later', 'one');
  await before.close();
  const entrance = entranceOf(dataDirectory);
  await entrance.open();
  await send(entrance, 'later', 'two');
  const ingest = createIngest(store.telemetry, { entrance });
  await ingest.start();
  await send(entrance, 'later', 'three');
  await eventually(
    () => stored('later'),
    (count) => count >= 3,
  );
  await eventually(
    async () => entrance.waitingBytes,
    (bytes) => bytes === 0,
  );
  await ingest.stop(5_000);
  expect(await stored('later')).toBe(3);
});

test('senders are not asked to wait for a loading that nobody does: before an ingest, and after it', async () => {
  const entrance = entranceOf(tempDirectory(), { pacedBytes: 1, pacedMsMax: 600_000 });
  await entrance.open();
  for (const answer of ['one', 'two', 'three']) expect(await send(entrance, 'unpaced', answer)).toBe('durable');
  const ingest = ingestBehind(entrance);
  await ingest.start();
  await ingest.stop(5_000);
  for (const answer of ['four', 'five']) expect(await send(entrance, 'unpaced', answer)).toBe('durable');
  await entrance.close();
});
