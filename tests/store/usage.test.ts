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
  readonly service_tier: string;
  readonly output_tokens: number;
  readonly finish_reasons: readonly string[];
  readonly extras: string;
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
    service_tier: random.below(4) === 0 ? 'flex' : '',
    output_tokens: 40,
    finish_reasons: random.below(3) === 0 ? ['stop', 'length', 'stop'] : ['stop'],
    extras: randomExtras(),
  };
}

/** Most calls are not judged, and some twice by one name. */
function randomExtras(): string {
  const evaluations = [
    ...(random.below(3) === 0 ? [{ name: 'helpful', score: random.below(5) / 4, label: null, explanation: null }] : []),
    ...(random.below(3) === 0 ? [{ name: 'safe', score: null, label: 'pass', explanation: '"evaluations":[' }] : []),
    ...(random.below(9) === 0 ? [{ name: 'safe', score: 0, label: 'fail', explanation: 'It is not.' }] : []),
  ];
  const variables = { text: 'He said "evaluations":[1].', evaluations: '[]' };
  return random.below(4) === 0 ? '' : JSON.stringify({ variables, ...(evaluations.length > 0 && { evaluations }) });
}

interface Judged {
  readonly name: string;
  readonly score: number | null;
  readonly label: string | null;
}

function judgedIn(call: Call): readonly Judged[] {
  return call.extras === '' ? [] : ((JSON.parse(call.extras) as { evaluations?: Judged[] }).evaluations ?? []);
}

/** Helpful: how many, and quarters of points. Safe: how many, with a score, with the one label, with the other. */
function qualityOf(call: Call): number[] {
  const [helpful, safe] = ['helpful', 'safe'].map((name) => judgedIn(call).filter((each) => each.name === name)) as [
    Judged[],
    Judged[],
  ];
  return [
    helpful.length,
    helpful.reduce((sum, { score }) => sum + (score ?? 0) * 4, 0),
    safe.length,
    safe.filter(({ score }) => score !== null).length,
    safe.filter(({ label }) => label === 'pass').length,
    safe.filter(({ label }) => label === 'fail').length,
    new Set(call.finish_reasons).has('length') ? 1 : 0,
  ];
}

async function write(calls: readonly Call[], isDeleted: boolean): Promise<void> {
  const rows = calls.map((call) => ({ ...call, revision: (revision += 1), is_deleted: isDeleted ? 1 : 0 }));
  await store.database.insert('invocations', rows);
  for (const call of calls) {
    if (isDeleted) truth.delete(call.trace_id);
    else truth.set(call.trace_id, call);
  }
}

interface Narrowed {
  readonly only?: { readonly prompt?: string; readonly service_tier?: string };
  readonly timeZone?: string;
}

/** As the platform reckons it. */
function dayOf(time: Timestamp, timeZone: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(new Date(time));
}

function expected(
  groupBy: readonly UsageGroup[],
  from: Timestamp,
  to: Timestamp,
  { only = {}, timeZone = 'UTC' }: Narrowed = {},
): Map<string, number[]> {
  const sums = new Map<string, number[]>();
  for (const call of truth.values()) {
    if (call.started_at < from || call.started_at >= to) continue;
    if (only.prompt !== undefined && call.prompt !== only.prompt) continue;
    if (only.service_tier !== undefined && call.service_tier !== only.service_tier) continue;
    const values = {
      prompt: call.prompt,
      model: call.response_model,
      service_tier: call.service_tier === '' ? 'null' : call.service_tier,
      day: dayOf(call.started_at, timeZone),
    };
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
      ...qualityOf(call),
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
  narrowed: Narrowed = {},
): Promise<Map<string, number[]>> {
  const rows = await queryUsage(store.database, { groupBy, from, to, ...narrowed }, { quietS, turns });
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
        row.evaluations['helpful']?.count ?? 0,
        Math.round((row.evaluations['helpful']?.mean_score ?? 0) * (row.evaluations['helpful']?.scored ?? 0) * 4),
        row.evaluations['safe']?.count ?? 0,
        row.evaluations['safe']?.scored ?? 0,
        row.evaluations['safe']?.labels['pass'] ?? 0,
        row.evaluations['safe']?.labels['fail'] ?? 0,
        row.finish_reasons['length'] ?? 0,
      ],
    ]),
  );
}

function randomTime(): Timestamp {
  const atMs = START_MS + random.below((HOURS + 4) * HOUR_MS) - 2 * HOUR_MS;
  return timestampFromMillis(random.below(2) === 0 ? Math.floor(atMs / HOUR_MS) * HOUR_MS : atMs);
}

/** Days that begin with an hour of UTC or not; in New York the clock was set back on 1 November. */
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe'];

function randomlyNarrowed(): Narrowed {
  return {
    timeZone: ZONES[random.below(ZONES.length)] as string,
    only: [{}, { prompt: 'prompt-1' }, { service_tier: '' }, { prompt: 'prompt-2', service_tier: 'flex' }][
      random.below(4)
    ] as NonNullable<Narrowed['only']>,
  };
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
      for (const groupBy of [
        ['prompt', 'service_tier'],
        ['model', 'day'],
      ] as const) {
        const [from, to] = [randomTime(), randomTime()].toSorted() as [Timestamp, Timestamp];
        const narrowed = randomlyNarrowed();
        expect(await answered(groupBy, from, to, undefined, narrowed)).toEqual(expected(groupBy, from, to, narrowed));
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

  it('has days in their order, and the groups of each by their calls', async () => {
    const [from, to] = [START_MS, START_MS + HOURS * HOUR_MS].map(timestampFromMillis) as [Timestamp, Timestamp];
    // The first day has the fewest calls, and the last is cut.
    const rows = await store.invocations.usage({ groupBy: ['model', 'day'], from, to, timeZone: 'Asia/Tokyo' });
    const days = rows.map(({ day }) => String(day));
    expect(days).toEqual(days.toSorted());
    expect(new Set(days).size).toBeGreaterThan(2);
    for (const ofDay of Map.groupBy(rows, ({ day }) => day).values()) {
      const calls = ofDay.map((row) => row.calls);
      expect(calls).toEqual(calls.toSorted((a, b) => b - a));
    }
  });

  it('has no sum of its own for each judge that writes its reasons as the label', async () => {
    const atMs = START_MS - 200 * 24 * HOUR_MS;
    const labels = [
      'pass',
      'pass',
      ...[1, 2, 3].map((each) => `It fails, since the answer leaves out step ${each} of the four that were asked for.`),
    ];
    const calls = labels.map((label, index) => ({
      ...randomCall(String(800_000 + index)),
      started_at: timestampFromMillis(atMs + index),
      extras: JSON.stringify({ evaluations: [{ name: 'judge', score: null, label, explanation: null }] }),
    }));
    await write(calls, false);
    const period = { from: timestampFromMillis(atMs), to: timestampFromMillis(atMs + HOUR_MS) };
    const rows = await queryUsage(store.database, { groupBy: ['service'], ...period }, { quietS: 0, turns });
    expect(rows[0]?.evaluations['judge']).toMatchObject({ count: 5, labels: { pass: 2 } });
    expect(Object.keys(rows[0]?.evaluations['judge']?.labels ?? {})).toEqual(['pass']);
    await write(calls, true);
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
