/** Every list has pages that are together the list, and refuses what is no cursor of its own as the asker's mistake. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import type { Api, TargetInfo } from '../../src/http/api.ts';
import type { HttpServer } from '../../src/http/server.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { learningStatus } from '../support/output-statuses.ts';
import { held, incident, registered, time } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { wholeServer } from '../support/whole-server.ts';

const COUNT = 7;
const numbers = Array.from({ length: COUNT }, (_, index) => index);
const targets: readonly TargetInfo[] = numbers.map((index) => ({
  id: `config/${COUNT - index}`,
  source: 'config',
  type: 'files',
  prompt: index < 5 ? 'greeting' : 'other',
  environment: 'production',
  everyMs: 30_000,
  powers: ['live'],
}));
const versions: readonly RegisteredVersion[] = numbers.map((index) => registered(String(index), `text ${index}`));
const prompts = numbers.map((index) => registered('1', 'text', { prompt: `p${index}` }));

let database: Database;
let store: Store;
let server: HttpServer;
beforeAll(async () => {
  database = await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock);
  await migrate(database, systemClock);
  store = createStore(database, systemClock);
  await store.observations.append(
    targets.map(({ id, prompt }) => held('02:00:00', `text of ${id}`, { target: id, prompt })),
  );
  for (const index of numbers) {
    const openedAt = addMillis(time('02:00:00'), index * 1_000);
    await store.incidents.append(incident(`i${index}`, { openedAt, updatedAt: openedAt }), 'opened', 'test');
  }
  await store.outputs.keepStatuses(numbers.map((index) => learningStatus({ version: String(index) })));
  const api: Partial<Api> = {
    now: () => systemClock.now(),
    observations: store.observations,
    verdicts: store.verdicts,
    incidents: store.incidents,
    restores: store.restores,
    timeline: store.timeline,
    outputs: { ...store.outputs, alarmAtLog10Score: 5 },
    targets: () => targets,
    registry: () => ({ versions: prompts, pins: [] }),
    versions: async () => versions,
  };
  const options = { host: '127.0.0.1', port: 0, keys: [], publicUrl: null, version: '1', onBug: () => undefined };
  server = wholeServer(api, options);
  await server.start();
});
afterAll(async () => {
  await server.stop(1_000);
  await database.close();
});

async function ask(path: string, query: Readonly<Record<string, string>>) {
  const response = await fetch(
    `${server.address}/api/v1/${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(query).toString()}`,
  );
  const body: any = await response.json();
  return { status: response.status, body };
}

const AT = 'at?prompt=greeting&environment=production&time=2026-11-20T02:00:00Z';
const LISTS: readonly (readonly [path: string, idOf: (item: any) => string, count: number])[] = [
  ['targets', ({ id }) => id, COUNT],
  ['targets?prompt=greeting', ({ id }) => id, 5],
  ['prompts', ({ id }) => id, COUNT],
  ['prompts/greeting/versions', ({ version }) => version, COUNT],
  ['observations', ({ target }) => target, COUNT],
  ['incidents', ({ id }) => id, COUNT],
  ['outputs', ({ version }) => version, COUNT],
  ['outputs?prompt=greeting', ({ version }) => version, COUNT],
  [AT, ({ target }) => target, 5],
];

describe.each(LISTS)('%s', (path, idOf, count) => {
  const itemsOf = (body: any): string[] => (body.data ?? body.held).map(idOf);

  test('has pages that are together the list', async () => {
    const { body: whole } = await ask(path, {});
    expect(whole.next_cursor).toBeNull();
    expect(new Set(itemsOf(whole)).size).toBe(count);
    const pages: string[][] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await ask(path, { limit: '2', ...(cursor === '' ? {} : { cursor }) });
      pages.push(itemsOf(body));
      cursor = body.next_cursor;
    }
    expect(pages.flat()).toEqual(itemsOf(whole));
    expect(pages.map(({ length }) => length)).toEqual(
      Array.from({ length: Math.ceil(count / 2) }, (_, page) => Math.min(2, count - page * 2)),
    );
  });

  test.each(['nonsense', 'WyJ4Il0', ''])('refuses the cursor "%s" as a bad request', async (cursor) => {
    const { status, body } = await ask(path, { cursor });
    expect([status, body.errors?.[0]?.field]).toEqual([400, 'cursor']);
    expect(body.hint).toContain('next_cursor');
  });
});

test('an answer about the past that has pages is one answer', async () => {
  const first = await ask(AT, { limit: '2' });
  await store.observations.append([held('02:00:00', 'later known', { target: 'config/0', prompt: 'greeting' })]);
  const second = await ask(AT, { limit: '2', cursor: first.body.next_cursor });
  expect(second.body.known_at).toBe(first.body.known_at);
});

test('versions with long texts end a page early', async () => {
  const long = numbers.map((index) => registered(String(index), 'x'.repeat(5_000_000)));
  const other = wholeServer(
    { versions: async () => long, now: () => systemClock.now() },
    {
      host: '127.0.0.1',
      port: 0,
      keys: [],
      publicUrl: null,
      version: '1',
      onBug: () => undefined,
    },
  );
  await other.start();
  const sizes: number[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams(cursor === '' ? {} : { cursor });
    const page: any = await (
      await fetch(`${other.address}/api/v1/prompts/greeting/versions?${query.toString()}`)
    ).json();
    sizes.push(page.data.length);
    cursor = page.next_cursor;
  }
  await other.stop(1_000);
  expect(sizes.length).toBeGreaterThan(1);
  expect(sizes.reduce((a, b) => a + b)).toBe(COUNT);
});
