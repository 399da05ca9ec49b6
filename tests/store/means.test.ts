/** Means by the hour of what is declared, from calls as they lie in the store. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeclaredMetric } from '../../src/contract/baseline-log.ts';
import type { InvocationLog } from '../../src/contract/invocation-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createInvocationLog } from '../../src/store/telemetry/invocation-log.ts';
import { offStatus, withinStatus } from '../support/baseline-statuses.ts';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { storedCall } from '../support/stored-calls.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const START = '2026-11-02T00:00:00.000000000Z' as Timestamp;
const HOUR_MS = 3_600_000;
const COST = 'cost_per_call_usd';

let database: Database;
let store: Store;
let log: InvocationLog;
let calls = 0;

function call(hour: number, more: object): object {
  calls += 1;
  return storedCall(calls, addMillis(START, hour * HOUR_MS + calls * 1_000), '1', more);
}

function judged(...evaluations: readonly (readonly [name: string, score: number | null, label?: string])[]): object {
  return {
    extras: JSON.stringify({ evaluations: evaluations.map(([name, score, label = null]) => ({ name, score, label })) }),
  };
}

async function means(of: readonly Partial<DeclaredMetric>[], seriesMax = 100): Promise<unknown[]> {
  const found = await log.means({
    from: START,
    to: addMillis(START, 10 * HOUR_MS),
    of: of.map((one) => ({ prompt: 'greeting', version: '1', metric: COST, declared: 1, ...one })),
    seriesMax,
  });
  return found.map(({ series: { environment, prompt, version, metric }, hours }) => [
    [environment, prompt, version, metric].join(' '),
    ...hours.map(({ hour, of: count, mean }) => [(Date.parse(hour) - Date.parse(START)) / HOUR_MS, count, mean]),
  ]);
}

const places = {
  embedded: () => Promise.resolve({ path: tempDirectory() }),
  server: async () => ({ url: (await startClickHouseHttp()).url }),
};

describe.each(['embedded', 'server'] as const)('the store, %s:', (kind) => {
  beforeAll(async () => {
    database = await openDatabase(await places[kind](), '0.0.0-test', systemClock);
    await migrate(database, systemClock);
    store = createStore(database, systemClock);
    log = createInvocationLog(database, store.texts);
  });
  afterAll(() => database.close());

  test('means are of priced calls, and of scores, each environment and version by itself', async () => {
    const replaced = call(1, { cost_usd: '9.0000000000' });
    await database.insert('invocations', [
      call(0, {
        cost_usd: '0.0010000000',
        service: 'a',
        service_tier: 'flex',
        ...judged(['accuracy', 1], ['tone', 5]),
      }),
      call(0, {
        cost_usd: '0.0030000000',
        service: 'b',
        ...judged(['accuracy', 0, 'wrong'], ['accuracy', 1, 'right']),
      }),
      call(0, { error_type: 'timeout', ...judged(['accuracy', null, 'skipped']) }),
      call(0, { error_type: 'timeout' }),
      call(0, { cost_usd: '0.0500000000', environment: 'staging' }),
      // Of an hour in which most have no price nobody knows the mean.
      call(2, { cost_usd: '0.7000000000' }),
      call(2, {}),
      call(2, {}),
      call(3, { cost_usd: '0.0000000000' }),
      call(3, {}),
      replaced,
      { ...replaced, cost_usd: '0.0020000000', revision: '2' },
      call(0, { cost_usd: '8.0000000000', version: '2' }),
      call(0, { cost_usd: '8.0000000000', prompt: 'other' }),
      call(11, { cost_usd: '8.0000000000' }),
    ]);
    expect(await means([{}, { metric: 'baseline_accuracy' }, { metric: 'baseline_unheard' }])).toEqual([
      [`production greeting 1 ${COST}`, [0, 2, 0.002], [1, 1, 0.002], [3, 1, 0]],
      [`staging greeting 1 ${COST}`, [0, 1, 0.05]],
      ['production greeting 1 baseline_accuracy', [0, 3, expect.closeTo(2 / 3)]],
    ]);
    expect(await means([{ version: '2' }, { prompt: 'other', metric: 'baseline_accuracy' }])).toEqual([
      [`production greeting 2 ${COST}`, [0, 1, 8]],
    ]);
    expect(await means([{}, { prompt: 'other' }], 1)).toEqual([
      [`production greeting 1 ${COST}`, [0, 2, 0.002], [1, 1, 0.002], [3, 1, 0]],
    ]);
    expect(await means([])).toEqual([]);
  });

  test('names that look alike are told apart', async () => {
    const at = (metric: string): Promise<unknown[]> => means([{ prompt: 'p"\\', version: "1'", metric }]);
    await database.insert('invocations', [
      call(4, { prompt: 'p"\\', version: "1'", ...judged(['ac"cu\\racy', 0.5], ['accuracy', 1]) }),
    ]);
    expect(await at('baseline_ac"cu\\racy')).toEqual([[`production p"\\ 1' baseline_ac"cu\\racy`, [4, 1, 0.5]]]);
  });

  test('as many versions may be declared as there are', async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => ({
      prompt: `support.of-a-long-name-${index}`,
      version: '12',
    }));
    expect(await means([...many, {}])).toHaveLength(2);
  });

  test('of each metric the newest status is kept', async () => {
    await store.baselines.keepStatuses([]);
    await store.baselines.keepStatuses([withinStatus(), withinStatus({ metric: 'baseline_accuracy' })]);
    const newer = { ...offStatus(), at: addMillis(withinStatus().at, HOUR_MS) };
    await store.baselines.keepStatuses([newer]);
    expect(await store.baselines.statuses()).toEqual([withinStatus({ metric: 'baseline_accuracy' }), newer]);
  });
});
