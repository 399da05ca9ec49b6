/** Pages of calls where hardly any match: each goes through so many rows only, and together they are the list. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InvocationFilter, InvocationLog } from '../../src/contract/invocation-log.ts';
import { addMillis } from '../../src/lib/time.ts';
import { createInvocationLog } from '../../src/store/telemetry/invocation-log.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { time } from '../support/store-samples.ts';
import { storedCall } from '../support/stored-calls.ts';

const COUNT = 2_000;
const LOOKED_AT = 150;
/** About 14 an hour; every 400th of its own prompt, one of which was taken back and one attributed to another later. */
const startOf = (index: number) => addMillis(time('2026-10-01T00:00:00Z'), index * 250_000);
const RARE = [0, 400, 800, 1_200, 1_600];
const [TAKEN_BACK, ATTRIBUTED_AGAIN] = [400, 1_200];

let store: OpenStore;
let calls: InvocationLog;
beforeAll(async () => {
  store = await openStore();
  // So that what was corrected stands beside its correction.
  await store.database.command('SYSTEM STOP MERGES invocations');
  const call = (index: number, more: object = {}) =>
    storedCall(index, startOf(index), '1', { prompt: RARE.includes(index) ? 'rare' : 'greeting', ...more });
  await store.database.insert(
    'invocations',
    Array.from({ length: COUNT }, (_, index) => call(index)),
  );
  await store.database.insert('invocations', [
    call(TAKEN_BACK, { revision: '2', is_deleted: 1 }),
    call(ATTRIBUTED_AGAIN, { revision: '2', prompt: 'greeting' }),
  ]);
  calls = createInvocationLog(store.database, store.texts, { lookedAtRows: LOOKED_AT });
});
afterAll(() => store.database.close());

async function pagesOf(filter: InvocationFilter, limit: number): Promise<readonly string[][]> {
  const pages: string[][] = [];
  for (let cursor: string | undefined; pages.length < COUNT;) {
    const { items, nextCursor } = await calls.list(filter, { limit, cursor });
    pages.push(items.map(({ invocation }) => invocation.startedAt));
    if (nextCursor === null) return pages;
    cursor = nextCursor;
  }
  throw new Error('The pages do not end.');
}

test.each([1, 2, 100])('what is rare is found, with pages of %s', async (limit) => {
  const wanted = RARE.filter((index) => index !== TAKEN_BACK && index !== ATTRIBUTED_AGAIN);
  const pages = await pagesOf({ prompt: 'rare' }, limit);
  expect(pages.flat()).toEqual(wanted.toReversed().map(startOf));
  expect(pages.every((page) => page.length <= limit)).toBe(true);
  // Each goes through about as many rows as it may, and says how far it came.
  expect(pages.length).toBeGreaterThan(COUNT / (LOOKED_AT + 20) - 2);
  expect(pages.length).toBeLessThan(COUNT / LOOKED_AT + wanted.length + 2);
});

test('what is not there ends, also between two times', async () => {
  const pages = await pagesOf({ prompt: 'none' }, 50);
  expect(pages.flat()).toEqual([]);
  expect(pages.length).toBeGreaterThan(5);
  expect(await pagesOf({ prompt: 'none', from: startOf(100), to: startOf(120) }, 50)).toEqual([[]]);
});

test('what is everywhere has full pages, and each call once', async () => {
  const pages = await pagesOf({ prompt: 'greeting', from: startOf(500), to: startOf(1_301) }, 60);
  const wanted = Array.from({ length: 801 }, (_, index) => 500 + index).filter((index) => index !== 800);
  expect(pages.flat()).toEqual(wanted.toReversed().map(startOf));
  expect(pages.slice(0, -1).map(({ length }) => length)).toEqual(pages.slice(1).map(() => 60));
});

test('many at one moment, the beginning of an hour, are gone through once', async () => {
  const at = time('2026-12-01T10:00:00Z');
  const many = Array.from({ length: 400 }, (_, index) => storedCall(10_000 + index, at, '1', { prompt: 'at once' }));
  await store.database.insert('invocations', many);
  const pages = await pagesOf({ prompt: 'at once' }, 50);
  expect(pages.flat()).toHaveLength(400);
  expect(pages.slice(0, 8).map(({ length }) => length)).toEqual(Array.from({ length: 8 }, () => 50));
});
