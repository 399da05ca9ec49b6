/** The time machine where there is much: many changes, many targets, long texts. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Timestamp } from '../../src/contract/time.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { held, time, unanswered } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';

let database: Database;
let store: Store;
let queries = 0;

beforeAll(async () => {
  const opened = await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock);
  await migrate(opened, systemClock);
  const counted: Database['query'] = (...parameters) => {
    queries += 1;
    return opened.query(...parameters);
  };
  database = { ...opened, query: counted };
  store = createStore(database, systemClock);
});
afterAll(async () => await database.close());

const START = time('2026-11-01T00:00:00Z');
const minute = (index: number): Timestamp => addMillis(START, index * 60_000);
const scope = (prompt: string) => ({ prompt, environment: 'production' });

test('a thousand changes are read together, each with its own evidence', async () => {
  const prompt = 'restless';
  const changes = 450;
  // Each content is seen twice and then not answered for; every third is edited a second time to the same text.
  await store.observations.append(
    Array.from({ length: changes }, (_, index) => {
      const of = { ...scope(prompt), target: `config/${index % 2}` };
      const text = `text ${index}`;
      const again = index % 3 === 0 ? { editedAt: addMillis(minute(index * 4 + 1), -1_000) } : {};
      return [
        held(minute(index * 4), text, { ...of, editedAt: addMillis(minute(index * 4), -1_000) }),
        held(minute(index * 4 + 1), text, { ...of, editedAt: addMillis(minute(index * 4), -1_000), ...again }),
        { ...unanswered('00:00:00', 'unreachable'), ...of, observedAt: minute(index * 4 + 2) },
      ];
    }).flat(),
  );
  queries = 0;
  const { held: entries } = await store.timeline.range({ ...scope(prompt), from: START, to: minute(changes * 4) });
  expect(queries).toBeLessThan(40);
  expect(entries.map(({ text }) => text)).toEqual(Array.from({ length: changes }, (_, index) => `text ${index}`));
  const wordsOf = (index: number) => entries[index]?.evidence.map(({ words }) => words).join('\n');
  for (const index of [2, 3, 200, 201, changes - 1]) {
    expect(wordsOf(index)).toContain('in 2 polls');
    expect(wordsOf(index)).toContain('1 poll after');
    expect(wordsOf(index)?.includes('what was there in between is not known')).toBe(index % 3 === 0);
  }
  const [alone] = (await store.timeline.at({ ...scope(prompt), time: minute(800), target: 'config/0' })).held;
  expect(alone).toEqual(entries[200]);
});

test('a content that goes and comes back, with a day of nothing but another in between, is told as two stretches', async () => {
  const prompt = 'came-back';
  const hour = (index: number): Timestamp => minute(index * 60);
  // By the day: B and A, nothing but B, A and C.
  const looks = [
    [1, 'B'],
    [20, 'A'],
    [26, 'B'],
    [40, 'B'],
    [50, 'A'],
    [60, 'A'],
    [70, 'C'],
  ] as const;
  await store.observations.append(looks.map(([at, text]) => held(hour(at), text, scope(prompt))));
  const { held: entries } = await store.timeline.range({ ...scope(prompt), from: START, to: hour(80) });
  expect(entries.map(({ text, from, until }) => [text, from, until])).toEqual([
    ['B', [null, hour(1)], [hour(1), hour(20)]],
    ['A', [hour(1), hour(20)], [hour(20), hour(26)]],
    ['B', [hour(20), hour(26)], [hour(40), hour(50)]],
    ['A', [hour(40), hour(50)], [hour(60), hour(70)]],
    ['C', [hour(60), hour(70)], [hour(70), null]],
  ]);
  const at = async (moment: Timestamp) =>
    (await store.timeline.at({ ...scope(prompt), time: moment })).held.map(({ text }) => text);
  expect([await at(hour(30)), await at(hour(55)), await at(hour(75))]).toEqual([['B'], ['A'], ['C']]);
});

test('more targets than one page holds are answered for, page by page', async () => {
  const prompt = 'everywhere';
  const count = 1_050;
  const names = Array.from({ length: count }, (_, index) => `config/${String(index).padStart(4, '0')}`);
  await store.observations.append(names.map((target) => held(START, 'the same', { ...scope(prompt), target })));
  const first = await store.timeline.at({ ...scope(prompt), time: minute(1) });
  expect(first.held).toHaveLength(1_000);
  const page = { limit: 1_000, cursor: first.heldNextCursor ?? undefined };
  const second = await store.timeline.at({ ...scope(prompt), time: minute(1), page });
  expect([...first.held, ...second.held].map(({ target }) => target)).toEqual(names);
  expect([second.heldNextCursor, second.knownAt]).toEqual([null, first.knownAt]);
  const range = { ...scope(prompt), from: START, to: minute(2) };
  await expect(store.timeline.range(range)).rejects.toMatchObject({ hint: expect.stringContaining('target') });
  expect((await store.timeline.range({ ...range, target: names[3] })).held).toHaveLength(1);
});

test('a long text that comes again and again is not repeated beyond what an answer holds', async () => {
  const prompt = 'flapping';
  const texts = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
  await store.observations.append(
    Array.from({ length: 40 }, (_, index) => held(minute(index), texts[index % 2] ?? '', scope(prompt))),
  );
  const { held: entries } = await store.timeline.range({ ...scope(prompt), from: START, to: minute(60) });
  const without = entries.filter(({ text }) => text === null);
  expect([entries.length, without.length]).toEqual([40, 24]);
  expect(without.every(({ evidence }) => evidence.some(({ words }) => words.includes('too long for one answer')))).toBe(
    true,
  );
});
