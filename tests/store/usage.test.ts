/**
 * Usage is what the calls say, whatever was replaced, taken back, added late or priced anew, and
 * whatever was added up before. SEED repeats a run.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenParts } from '../../src/contract/invocation.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import type { UsageGroup } from '../../src/contract/invocation-log.ts';
import { OneAtATime } from '../../src/lib/one-at-a-time.ts';
import { timestampFromMillis } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { queryUsage } from '../../src/store/telemetry/usage.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { seededRandom } from '../support/random.ts';
import { repriceAll } from '../support/reprice-all.ts';

const random = seededRandom();
const START_MS = Date.UTC(2026, 9, 30);
const HOURS = 60;
const HOUR_MS = 3_600_000;
const turns = new OneAtATime();

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

interface Call {
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at: Timestamp;
  readonly prompt: string;
  readonly response_model: string;
  readonly input_tokens: number;
  readonly token_parts: TokenParts;
  readonly web_searches: number;
  readonly cost_usd: string | null;
  readonly error_type: string;
}

const truth = new Map<string, Call>();
let revision = 0;

function randomCall(id: string): Call {
  return {
    trace_id: id,
    span_id: 'a',
    // The same call always starts at the same time.
    started_at: timestampFromMillis(START_MS + ((Number(id) * 7_919_317) % (HOURS * HOUR_MS))),
    prompt: `prompt-${random.below(4)}`,
    response_model: `model-${random.below(2)}`,
    input_tokens: random.below(1_000),
    // Most calls have none.
    token_parts: random.below(4) === 0 ? { [random.below(2) === 0 ? 'input_audio' : 'cache_write_1h']: 7 } : {},
    web_searches: random.below(4) === 0 ? random.below(5) : 0,
    cost_usd: random.below(5) === 0 ? null : `0.${String(random.below(1_000)).padStart(10, '0')}`,
    error_type: random.below(6) === 0 ? 'timeout' : '',
  };
}

async function write(calls: readonly Call[], isDeleted: boolean): Promise<void> {
  const rows = calls.map((call) => ({ ...call, revision: (revision += 1), is_deleted: isDeleted ? 1 : 0 }));
  await store.database.insert('invocations', rows);
  for (const call of calls) {
    if (isDeleted) truth.delete(call.trace_id);
    else truth.set(call.trace_id, call);
  }
}

function expected(groupBy: readonly UsageGroup[], from: Timestamp, to: Timestamp): Map<string, number[]> {
  const sums = new Map<string, number[]>();
  for (const call of truth.values()) {
    if (call.started_at < from || call.started_at >= to) continue;
    const values = { prompt: call.prompt, model: call.response_model, day: call.started_at.slice(0, 10) };
    const key = groupBy.map((group) => values[group as keyof typeof values]).join('/');
    const units = Math.round(Number(call.cost_usd ?? 0) * 1e10);
    const { input_audio: audio = 0, cache_write_1h: written = 0 } = call.token_parts;
    const unpriced = call.cost_usd === null ? 1 : 0;
    const added = [
      1,
      call.error_type === '' ? 0 : 1,
      call.input_tokens,
      units,
      unpriced,
      audio,
      written,
      call.web_searches,
    ];
    sums.set(
      key,
      added.map((value, index) => value + (sums.get(key)?.[index] ?? 0)),
    );
  }
  return sums;
}

async function answered(
  groupBy: readonly UsageGroup[],
  from: Timestamp,
  to: Timestamp,
  quietS = random.below(2) === 0 ? 0 : 3_600,
): Promise<Map<string, number[]>> {
  const rows = await queryUsage(store.database, { groupBy, from, to }, { quietS, turns });
  return new Map(
    rows.map((row) => [
      groupBy.map((group) => String(row[group])).join('/'),
      [
        row.calls,
        row.errors,
        row.input_tokens,
        Math.round(Number(row.cost_usd) * 1e10),
        row.unpriced_calls,
        row.token_parts.input_audio ?? 0,
        row.token_parts.cache_write_1h ?? 0,
        row.web_searches,
      ],
    ]),
  );
}

function randomTime(): Timestamp {
  const atMs = START_MS + random.below((HOURS + 4) * HOUR_MS) - 2 * HOUR_MS;
  return timestampFromMillis(random.below(2) === 0 ? Math.floor(atMs / HOUR_MS) * HOUR_MS : atMs);
}

describe('usage', () => {
  it(`is right after anything that was written, seed ${random.seed}`, async () => {
    let ids = 0;
    for (let round = 0; round < 25; round += 1) {
      const known = [...truth.values()];
      const some = (): Call[] => known.filter(() => random.below(8) === 0);
      const what = round === 0 ? 0 : random.below(4);
      if (what === 0)
        await write(
          Array.from({ length: 1 + random.below(200) }, () => randomCall(String((ids += 1)))),
          false,
        );
      else if (what === 1)
        await write(
          some().map(({ trace_id }) => randomCall(trace_id)),
          false,
        );
      else if (what === 2) await write(some(), true);
      else {
        // A new price, which is written by the store itself.
        const [from, to] = [randomTime(), randomTime()].toSorted() as [Timestamp, Timestamp];
        await repriceAll(store.invocations, from, to, () => ({ costUsd: '0.0000000007', priceId: `p${round}` }));
        for (const call of known)
          if (call.started_at >= from && call.started_at < to)
            truth.set(call.trace_id, { ...call, cost_usd: '0.0000000007' });
        revision += 1;
      }
      for (const groupBy of [['prompt'], ['model', 'day']] as const) {
        const [from, to] = [randomTime(), randomTime()].toSorted() as [Timestamp, Timestamp];
        expect(await answered(groupBy, from, to)).toEqual(expected(groupBy, from, to));
      }
    }
    const [made] = await store.database.query<{ hours: string }>('SELECT uniqExact(hour) AS hours FROM usage_hours');
    expect(Number(made?.hours)).toBeGreaterThan(HOURS / 4);
  });

  it('begins and ends to the nanosecond', async () => {
    const hourMs = START_MS + 20 * HOUR_MS;
    const [hour, later] = [hourMs, hourMs + HOUR_MS].map(timestampFromMillis) as [Timestamp, Timestamp];
    const nanosecondAfter = hour.replace('000Z', '001Z') as Timestamp;
    const edges = [hour, nanosecondAfter, later].map((at, index) => ({
      ...randomCall(String(900_000 + index)),
      started_at: at,
    }));
    await write(edges, false);
    for (const from of [hour, nanosecondAfter])
      for (const to of [later, later.replace('000Z', '001Z') as Timestamp]) {
        expect(await answered(['prompt'], from, to, 0)).toEqual(expected(['prompt'], from, to));
        const { items } = await store.invocations.list({ from, to }, { limit: 1_000 });
        const within = [...truth.values()].filter((call) => call.started_at >= from && call.started_at < to);
        expect(items.length).toBe(within.length);
      }
    await write(edges, true);
  });

  it('is answered right after months were written at once', async () => {
    const [prompt, hours] = ['imported', 24 * 90];
    const calls = Array.from({ length: hours }, (_, hour) => ({
      ...randomCall(String(1_000_000 + hour)),
      prompt,
      started_at: timestampFromMillis(START_MS - (hour + 1) * HOUR_MS),
    }));
    await write(calls, false);
    const sums = await answered(
      ['prompt'],
      timestampFromMillis(START_MS - hours * HOUR_MS),
      timestampFromMillis(START_MS),
      3_600,
    );
    expect(sums.get(prompt)?.[0]).toBe(hours);
    await write(calls, true);
  });

  it('is added up once for all who ask at the same time', async () => {
    // An hour that has calls: one without any is looked at again by everybody.
    const [call] = truth.values();
    const startMs = Math.floor(Date.parse(call?.started_at ?? '') / HOUR_MS) * HOUR_MS;
    const [from, to] = [timestampFromMillis(startMs), timestampFromMillis(startMs + HOUR_MS)];
    await store.database.command('TRUNCATE TABLE usage_hours');
    let addedUp = 0;
    const counting: Database = {
      ...store.database,
      command: async (sql, parameters) => {
        if (sql.startsWith('INSERT INTO usage_hours')) addedUp += 1;
        await store.database.command(sql, parameters);
      },
    };
    const ask = () => queryUsage(counting, { groupBy: ['prompt'], from, to }, { quietS: 0, turns });
    const alone = await ask();
    expect(addedUp).toBe(1);
    await store.database.command('TRUNCATE TABLE usage_hours');
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([alone, alone, alone]);
    expect(addedUp).toBe(2);
  });

  it('does not use hours that a release added up which knew fewer sums, at whatever state', async () => {
    const [from, to] = [timestampFromMillis(START_MS), timestampFromMillis(START_MS + HOURS * HOUR_MS)];
    await answered(['prompt'], from, to, 0);
    // As a replica of an older release does, which knows nothing of parts and forms, before and after.
    await store.database.command(
      'INSERT INTO usage_hours SELECT * REPLACE (0 AS form, calls + 1 AS calls, map() AS token_parts, 0 AS web_searches) FROM usage_hours',
    );
    await store.database.command('OPTIMIZE TABLE usage_hours FINAL');
    expect(await answered(['prompt'], from, to, 0)).toEqual(expected(['prompt'], from, to));
    await store.database.command('ALTER TABLE usage_hours DELETE WHERE form > 0 SETTINGS mutations_sync = 1');
    expect(await answered(['prompt'], from, to, 0)).toEqual(expected(['prompt'], from, to));
  });

  it('of an hour that was added up twice at once counts it once', async () => {
    const [from, to] = [timestampFromMillis(START_MS), timestampFromMillis(START_MS + HOURS * HOUR_MS)];
    await store.database.command('TRUNCATE TABLE usage_hours');
    // As several replicas do.
    const ask = () =>
      queryUsage(store.database, { groupBy: ['prompt'], from, to }, { quietS: 0, turns: new OneAtATime() });
    await Promise.all([ask(), ask(), ask()]);
    expect(await answered(['prompt'], from, to)).toEqual(expected(['prompt'], from, to));
  });

  it('is right when a process wrote calls and died before they were counted, and for calls of before there was a count', async () => {
    const [from, to] = [timestampFromMillis(START_MS), timestampFromMillis(START_MS + HOURS * HOUR_MS)];
    const uncounted = async (calls: readonly Call[]): Promise<void> => {
      await store.database.command('DETACH TABLE usage_changes_of_invocations');
      await write(calls, false);
      await store.database.command('ATTACH TABLE usage_changes_of_invocations');
    };
    const last = await store.telemetry.highestRevision();
    await uncounted([...truth.values()].slice(0, 20).map(({ trace_id }) => randomCall(trace_id)));
    await store.telemetry.distrustUsage(last);
    expect(await answered(['prompt'], from, to)).toEqual(expected(['prompt'], from, to));
    await store.database.command('TRUNCATE TABLE usage_changes');
    await store.telemetry.distrustUsage(await store.telemetry.highestRevision());
    expect(await answered(['prompt'], from, to)).toEqual(expected(['prompt'], from, to));
  });

  it('is right when the count is lost after replaced rows were merged away, so that there are as many rows as before', async () => {
    const [from, to] = [timestampFromMillis(START_MS), timestampFromMillis(START_MS + HOURS * HOUR_MS)];
    const ids = [...truth.keys()];
    await store.database.command('OPTIMIZE TABLE invocations FINAL');
    await store.database.command('TRUNCATE TABLE usage_hours');
    await store.database.command('TRUNCATE TABLE usage_changes');
    await store.telemetry.distrustUsage(await store.telemetry.highestRevision());
    expect(await answered(['prompt'], from, to, 0)).toEqual(expected(['prompt'], from, to));
    await write(ids.map(randomCall), false);
    await store.database.command('OPTIMIZE TABLE invocations FINAL');
    await store.database.command('TRUNCATE TABLE usage_changes');
    await store.telemetry.distrustUsage(await store.telemetry.highestRevision());
    expect(await answered(['prompt'], from, to, 0)).toEqual(expected(['prompt'], from, to));
  });
});
