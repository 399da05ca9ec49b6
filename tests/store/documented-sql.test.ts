/** The SQL that `docs/sql.md` tells analysts to write: it runs, its columns are there, and it says what the API says. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OneAtATime } from '../../src/lib/one-at-a-time.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { createIncidentLog } from '../../src/store/incident-log.ts';
import { createSqlDesk } from '../../src/store/sql/sql-desk.ts';
import { NO_TRAIL } from '../../src/store/audit/trail.ts';
import { queryUsage } from '../../src/store/telemetry/usage.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { incident } from '../support/store-samples.ts';
import { storedCall } from '../support/stored-calls.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/sql.md'), 'utf8');
const QUESTIONS = [...PAGE.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql = '']) => sql);
const HASH = /sha256:[0-9a-f]{64}/.exec(PAGE)?.[0];
const NOW = systemClock.now();
/** Of all calls, so that no midnight comes between them. */
const AT = addMillis(NOW, -1_000);

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
  const judged = (score: number, label: string) =>
    JSON.stringify({ evaluations: [{ name: 'safe', score, label, explanation: null }] });
  const calls = [
    storedCall(1, AT, '1', { cost_usd: '0.1', input_tokens: 10, extras: judged(1, 'pass') }),
    storedCall(2, AT, '1', { cost_usd: '0.2', input_tokens: 20, extras: judged(0, 'fail') }),
    storedCall(3, AT, '2', { error_type: 'timeout', prompt_hash: HASH, user_id: 'ann' }),
    storedCall(4, AT, '', { prompt: '', attribution_kind: 'unknown', cost_usd: '0.4' }),
  ];
  await store.database.insert('invocations', calls);
  // Corrected, and taken back.
  const [first, , third] = calls as readonly Record<string, unknown>[];
  await store.database.insert('invocations', [
    { ...first, cost_usd: '0.5', revision: '2' },
    { ...third, trace_id: 'f'.repeat(32), revision: '1' },
    { ...third, trace_id: 'f'.repeat(32), revision: '2', is_deleted: 1 },
  ]);
  // Resolved half an hour after it opened, and once more open.
  const incidents = createIncidentLog(store.database, NO_TRAIL);
  const opened = incident('a', { openedAt: addMillis(NOW, -7_200_000), revision: 1, invocationsAffected: 2 });
  const resolvedAt = addMillis(NOW, -5_400_000);
  await incidents.append(opened, 'opened', 'plumbline');
  await incidents.append(
    { ...opened, status: 'resolved', resolvedAt, updatedAt: resolvedAt, revision: 2, invocationsAffected: 5 },
    'resolved',
    'plumbline',
  );
  await incidents.append(
    incident('b', { openedAt: addMillis(NOW, -1_800_000), invocationsAffected: 1 }),
    'opened',
    'plumbline',
  );
});
afterAll(() => store.database.close());

const sorted = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row)).toSorted();
/** As whoever reads the page does. */
const ask = async (at: number): Promise<any[]> => {
  const answer = await createSqlDesk(store.database).ask({ sql: QUESTIONS[at] as string, format: 'json' });
  return (JSON.parse(Buffer.from(answer).toString('utf8')) as { data: any[] }).data;
};

test('there are such questions, and each has an answer', async () => {
  expect(QUESTIONS.length).toBe(5);
  for (const at of QUESTIONS.keys()) expect((await ask(at)).length).toBeGreaterThan(0);
});

test('calls and what they cost are those of the API', async () => {
  const rows = await ask(0);
  const usage = await queryUsage(
    store.database,
    { groupBy: ['prompt', 'version'], from: addMillis(NOW, -3_600_000), to: NOW },
    { turns: new OneAtATime() },
  );
  const ofUsage = usage.map((row) => [
    row['prompt'] ?? '',
    row['version'] ?? '',
    row.calls,
    row.errors,
    row.unpriced_calls,
  ]);
  const ofRows = rows.map((row) => [
    row.prompt,
    row.version,
    Number(row.calls),
    Number(row.errors),
    Number(row.not_priced),
  ]);
  expect(sorted(ofRows)).toEqual(sorted(ofUsage));
  const costs = new Map(usage.map((row) => [row['version'] ?? '', Number(row.cost_usd)]));
  for (const { version, usd } of rows) expect(Number(usd ?? 0)).toBe(costs.get(version));
});

test('judgements, texts and what nobody registered are found', async () => {
  expect(await ask(1)).toMatchObject([{ version: '1', name: 'safe', mean: 0.5, failed: '1', judgements: '2' }]);
  expect(await ask(2)).toMatchObject([{ environment: 'production', service: 'app', calls: '1', users: '1' }]);
  expect(await ask(3)).toMatchObject([{ service: 'app', attribution_kind: 'unknown', calls: '1' }]);
});

test('incidents are told as they are now', async () => {
  expect(await ask(4)).toMatchObject([
    { owner: 'team', verdict: 'edited', incidents: '2', calls: '6', typical_minutes: 30 },
  ]);
});

test('every column that the page names is there', async () => {
  const columns = await store.database.query<{ name: string }>(
    "SELECT name FROM system.columns WHERE table = 'calls' AND database = currentDatabase()",
  );
  const known = new Set(columns.map(({ name }) => name));
  const [, ofCalls = ''] = PAGE.split('| column of `calls` |');
  const told = [...ofCalls.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) => cell.match(/(?<=`)\w+(?=`)/g) ?? []);
  expect(told.length).toBeGreaterThan(20);
  expect(told.toSorted()).toEqual([...known].toSorted());
});
