/**
 * What is left of months whose calls were let go of: what they cost, to the last digit, and nothing else. SEED repeats
 * a run.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { UsageGroup } from '../../src/contract/invocation-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { OneAtATime } from '../../src/lib/one-at-a-time.ts';
import { addMillis, systemClock, timestampFromMillis } from '../../src/lib/time.ts';
import { createStore } from '../../src/store/index.ts';
import { createRetentionLog } from '../../src/store/telemetry/retention.ts';
import { readKeptSince } from '../../src/store/telemetry/dropped-months.ts';
import { keepSums } from '../../src/store/telemetry/usage-hours.ts';
import { queryUsage } from '../../src/store/telemetry/usage.ts';
import { eventually, openStore, type OpenStore } from '../ingest/harness.ts';
import { seededRandom } from '../support/random.ts';

const random = seededRandom();
const DAY_MS = 86_400_000;
const AUGUST = timestampFromMillis(Date.UTC(2026, 7, 1));
const OCTOBER = timestampFromMillis(Date.UTC(2026, 9, 1));
const NOVEMBER = timestampFromMillis(Date.UTC(2026, 10, 1));
const CALLS = 2_000;
const turns = new OneAtATime();

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
  await store.database.insert(
    'invocations',
    Array.from({ length: CALLS }, (_, at) => callAt(at)),
  );
});
afterAll(() => store.database.close());

/** Over three months, at its own time whenever it is written. */
function callAt(at: number, revision = at + 1) {
  return {
    trace_id: `t${at}`,
    span_id: 'a',
    started_at: addMillis(AUGUST, Math.floor((at * 92 * DAY_MS) / CALLS)),
    ingested_at: NOVEMBER,
    prompt: `prompt-${random.below(3)}`,
    version: String(random.below(2)),
    environment: 'production',
    response_model: 'model',
    input_tokens: random.below(1_000),
    output_tokens: random.below(1_000),
    cost_usd: random.below(5) === 0 ? null : `0.${String(random.below(1_000)).padStart(10, '0')}`,
    latency_ms: random.below(5_000),
    error_type: random.below(9) === 0 ? 'timeout' : '',
    extras: JSON.stringify({ evaluations: [{ name: 'helpful', score: random.below(5) / 4, label: null }] }),
    revision,
  };
}

const usage = (from: Timestamp, to: Timestamp, ...groupBy: readonly UsageGroup[]) =>
  queryUsage(store.database, { from, to, groupBy }, { turns, quietS: 0 });

/** By all that there is to ask by. */
const allUsage = async () => ({
  whole: await usage(AUGUST, NOVEMBER, 'prompt', 'version'),
  days: await usage(AUGUST, NOVEMBER, 'day', 'environment'),
  before: await usage(AUGUST, OCTOBER, 'prompt'),
  // A part of a month that goes, and of one that stays, with half of an hour.
  across: await usage(addMillis(OCTOBER, -10 * DAY_MS), addMillis(OCTOBER, 5 * DAY_MS + 1_800_000), 'model'),
});

const countOf = async (table: string): Promise<number> => {
  const [row] = await store.database.query<{ rows: string }>(`SELECT count() AS rows FROM ${table}`);
  return Number(row?.rows);
};

it('lets go of whole months, of which the usage stays what it was', async () => {
  const retention = createRetentionLog(store.database);
  const before = await allUsage();
  expect(before.before.reduce((sum, { calls }) => sum + calls, 0)).toBeGreaterThan(CALLS / 2);
  expect(await readKeptSince(store.database, AUGUST)).toBeNull();

  // A process that ends before it has noted what it added up.
  await keepSums(store.database, 202_608);
  const dropped: unknown[] = [];
  const onDropped = (month: unknown): void => {
    dropped.push(month);
  };
  await retention.dropBefore(addMillis(OCTOBER, 12 * DAY_MS), { onDropped });
  expect(dropped).toHaveLength(1);
  expect(await allUsage()).toEqual(before);
  expect(await readKeptSince(store.database, AUGUST)).toBe(addMillis(AUGUST, 31 * DAY_MS));
  await retention.dropBefore(addMillis(OCTOBER, 12 * DAY_MS), { onDropped });
  const months = [AUGUST, addMillis(AUGUST, 31 * DAY_MS), OCTOBER].map((month) => month.slice(0, 7));
  const started = Array.from({ length: CALLS }, (_, at) => callAt(at).started_at.slice(0, 7));
  const callsIn = (month: string | undefined): number => started.filter((each) => each === month).length;
  expect(dropped).toEqual([
    { from: AUGUST, calls: callsIn(months[0]) },
    { from: addMillis(AUGUST, 31 * DAY_MS), calls: callsIn(months[1]) },
  ]);
  expect(await countOf('invocations')).toBe(callsIn(months[2]));
  expect(await allUsage()).toEqual(before);
  expect(await readKeptSince(store.database, AUGUST)).toBe(OCTOBER);
  const { items } = await store.invocations.list({ to: OCTOBER }, { limit: 10 });
  expect(items).toEqual([]);

  await retention.dropBefore(addMillis(OCTOBER, 12 * DAY_MS), { onDropped });
  expect(dropped).toHaveLength(2);
  expect(await allUsage()).toEqual(before);
});

it('does not count what comes of such a month later, nor keeps it', async () => {
  const retention = createRetentionLog(store.database);
  const before = await allUsage();
  await store.database.insert('invocations', [callAt(10, CALLS * 2), { ...callAt(11), trace_id: 'late' }]);
  expect(await allUsage()).toEqual(before);
  const kept = await countOf('invocations');
  await retention.dropBefore(OCTOBER);
  expect(await countOf('invocations')).toBe(kept - 2);
  expect(await allUsage()).toEqual(before);
});

it('says of a time whose calls are gone that nothing is known of what was used', async () => {
  const { timeline } = createStore(store.database, systemClock);
  const about = { prompt: 'prompt-1', environment: 'production' };
  const gone = await timeline.at({ ...about, time: addMillis(OCTOBER, -DAY_MS) });
  expect(gone).toMatchObject({ callsKeptSince: OCTOBER });
  const kept = await timeline.at({ ...about, time: addMillis(OCTOBER, DAY_MS) });
  expect(kept).toMatchObject({ callsKeptSince: null });
  expect(kept.used).not.toEqual([]);
  const range = { ...about, from: addMillis(OCTOBER, -DAY_MS), to: NOVEMBER };
  expect(await timeline.range(range)).toMatchObject({ callsKeptSince: OCTOBER });
});

it('keeps what calls of the months that stay refer to, and lets go of the rest', async () => {
  const { database } = store;
  const stored = (days: number) =>
    addMillis(OCTOBER, days * DAY_MS)
      .slice(0, 19)
      .replace('T', ' ');
  const facts = (id: string, days: number) => ({
    trace_id: id,
    span_id: 'a',
    started_at: OCTOBER,
    received_at: addMillis(OCTOBER, days * DAY_MS),
    facts: '{}',
  });
  await database.insert('span_facts', [facts('old', -12), facts('early', -9), facts('kept', 3)]);
  const days = [-45, -12, -9, 3];
  await database.insert(
    'call_texts',
    days.map((day) => ({ hash: `sha256:${day}`, content: 'text', stored_at: stored(day) })),
  );
  await database.insert(
    'call_lists',
    days.map((day) => ({ hash: `sha256:${day}`, base: '', messages: [], stored_at: stored(day) })),
  );
  await database.insert(
    'call_variables',
    days.map((day) => ({ hash: String(day), names: [], values: [], kept: 1, stored_at: stored(day) })),
  );
  const aside = (id: string, day: number) => ({ id, at: addMillis(OCTOBER, day * DAY_MS), revision: 1 });
  await database.insert('quarantine', [aside('old', -1), aside('kept', 1)]);
  await store.texts.put(new Map([['sha256:observed', 'what a poll saw']]));
  await createRetentionLog(database).dropBefore(addMillis(OCTOBER, DAY_MS));
  const traces = await database.query<{ trace_id: string }>('SELECT trace_id FROM span_facts ORDER BY trace_id');
  expect(traces.map((row) => row.trace_id)).toEqual(['early', 'kept']);
  const left = async () => (await store.telemetry.quarantined('any', 10)).map(({ id }) => id);
  expect(await eventually(left, ({ length }) => length === 1)).toEqual(['kept']);
  // By the months in which they were stored: all of September may be referred to by a call of October.
  for (const table of ['call_texts', 'call_lists', 'call_variables'])
    expect([table, await countOf(table)]).toEqual([table, 3]);
  expect([...(await store.texts.get(['sha256:observed', 'sha256:3'])).values()].toSorted()).toEqual([
    'text',
    'what a poll saw',
  ]);
});

it('may be ended before the calls go: then they are added up, and count once', async () => {
  const [june, july] = [timestampFromMillis(Date.UTC(2026, 5, 1)), timestampFromMillis(Date.UTC(2026, 6, 1))];
  await store.database.insert('invocations', [{ ...callAt(0), trace_id: 'june', started_at: addMillis(june, DAY_MS) }]);
  const ending = {
    ...store.database,
    command: (sql: string, ...rest: readonly never[]) => {
      if (sql.includes('DROP PARTITION')) throw new Error('The daemon stops.');
      return store.database.command(sql, ...rest);
    },
  };
  const retention = createRetentionLog(store.database);
  const dropped = createRetentionLog(ending).dropBefore(OCTOBER);
  await expect(dropped).rejects.toThrow('The daemon stops.');
  expect(await countOf(`invocations WHERE trace_id = 'june'`)).toBe(1);
  expect(await usage(june, july, 'environment')).toMatchObject([{ calls: 1 }]);
  const signal = AbortSignal.abort(new Error('The daemon stops.'));
  await expect(retention.dropBefore(OCTOBER, { signal })).rejects.toThrow('The daemon stops.');
  expect(await countOf(`invocations WHERE trace_id = 'june'`)).toBe(1);
  await retention.dropBefore(OCTOBER);
  expect(await countOf(`invocations WHERE trace_id = 'june'`)).toBe(0);
  expect(await usage(june, july, 'environment')).toMatchObject([{ calls: 1 }]);
});
