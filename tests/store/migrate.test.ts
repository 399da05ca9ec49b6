import { describe, expect, it } from 'vitest';
import type { Timestamp } from '../../src/contract/time.ts';
import { OneAtATime } from '../../src/lib/one-at-a-time.ts';
import { systemClock } from '../../src/lib/time.ts';
import { migrate } from '../../src/store/migrate.ts';
import { MIGRATIONS } from '../../src/store/migrations/index.ts';
import type { Migration } from '../../src/store/migrations/migration.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { createTelemetryLog } from '../../src/store/telemetry/telemetry-log.ts';
import { queryUsage } from '../../src/store/telemetry/usage.ts';
import { plainTables, replicatedTables } from '../../src/store/engine/table-dialect.ts';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const addNote: Migration = {
  id: (MIGRATIONS.at(-1)?.id ?? 0) + 1,
  name: 'note',
  statements: ({ onCluster }) => [
    `ALTER TABLE texts ${onCluster} ADD COLUMN IF NOT EXISTS note String`,
    `ALTER TABLE texts ${onCluster} ADD COLUMN IF NOT EXISTS other LowCardinality(String)`,
  ],
};

describe('migrate', () => {
  it('runs what is missing, once, and keeps what is there', async () => {
    const path = tempDirectory();
    const first = await openDatabase({ path }, '1.0.0', systemClock);
    expect(await migrate(first, systemClock)).toEqual(MIGRATIONS.map((migration) => migration.name));
    expect(await migrate(first, systemClock)).toEqual([]);
    await first.insert('texts', [{ hash: 'sha256:1', content: 'kept' }]);
    await first.close();
    const second = await openDatabase({ path }, '1.1.0', systemClock);
    expect(await migrate(second, systemClock, [...MIGRATIONS, addNote])).toEqual(['note']);
    expect(await second.query('SELECT content, note FROM texts')).toEqual([{ content: 'kept', note: '' }]);

    await expect(migrate(second, systemClock)).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringContaining(`schema step ${addNote.id} (note) of plumbline 1.1.0, which this release`),
      hint: expect.stringContaining('Start plumbline 1.1.0 or later'),
    });
    const edited = { ...addNote, statements: () => ['SELECT 1'] };
    await expect(migrate(second, systemClock, [...MIGRATIONS, edited])).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringContaining('is not the one of this release'),
    });
    await second.close();
  });

  it('keeps the content of calls that was stored before it had months', async () => {
    const database = await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock);
    await migrate(database, systemClock, MIGRATIONS.slice(0, 15));
    const lists = [
      { hash: 'sha256:1', base: '', messages: ['one'] },
      { hash: 'sha256:2', base: 'sha256:1', messages: ['two'] },
    ];
    await database.insert('message_lists', lists);
    await database.insert('variables', [{ hash: 'a', names: ['name'], values: ['value'], kept: 1, characters: [5] }]);
    await database.insert('texts', [{ hash: 'sha256:3', content: 'a text' }]);
    // A process that ends when all is copied, and nothing is recorded yet.
    for (const statement of MIGRATIONS[15]?.statements(database.dialect) ?? []) await database.command(statement);
    await migrate(database, systemClock);
    // A replica that is updated last.
    await database.insert('message_lists', [{ hash: 'sha256:4', base: 'sha256:2', messages: ['three'] }]);
    const log = createTelemetryLog(database);
    expect(await log.messageLists(['sha256:2'])).toEqual(new Map([['sha256:2', ['one', 'two']]]));
    expect(await log.messageLists(['sha256:4'])).toEqual(new Map([['sha256:4', ['one', 'two', 'three']]]));
    expect(await log.texts(['sha256:3'])).toEqual(new Map([['sha256:3', 'a text']]));
    expect(await database.query('SELECT names, values, characters FROM call_variables FINAL')).toEqual([
      { names: ['name'], values: ['value'], characters: [5] },
    ]);
    expect(await database.query('SELECT hash FROM message_lists')).toEqual([{ hash: 'sha256:4' }]);
    await database.close();
  });

  it('lets judgements be counted that were stored before they were', async () => {
    const database = await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock);
    await migrate(database, systemClock, MIGRATIONS.slice(0, 11));
    const evaluations = [{ name: 'safe', score: 1, label: 'pass', explanation: null }];
    const [from, to] = ['2026-10-01T00:00:00.000000000Z', '2026-10-01T01:00:00.000000000Z'] as Timestamp[];
    const call = { trace_id: 'a', span_id: 'b', started_at: from, revision: 1 };
    await database.insert('invocations', [{ ...call, extras: JSON.stringify({ evaluations }) }]);
    await migrate(database, systemClock);
    // From the calls, and added up.
    for (const quietS of [3_600, 0]) {
      const query = { groupBy: ['day'], from, to } as { groupBy: ['day']; from: Timestamp; to: Timestamp };
      const [row] = await queryUsage(database, query, { quietS, turns: new OneAtATime() });
      const pass = { count: 1, scored: 1, mean_score: 1, score_deviation: null, labels: { pass: 1 } };
      expect(row?.evaluations).toEqual({ safe: pass });
    }
    await database.close();
  });

  it('gives a store of before parts of tokens were known their columns, with what is in it as it was', async () => {
    const path = tempDirectory();
    const before = await openDatabase({ path }, '0.9.0', systemClock);
    await migrate(before, systemClock, MIGRATIONS.slice(0, 7));
    const call = { trace_id: 'a', span_id: 'b', started_at: '2026-10-01T00:30:00.000000000Z', is_deleted: 0 };
    await before.insert('invocations', [{ ...call, input_tokens: 50, cost_usd: '0.5', revision: 1 }]);
    const hour = { hour: '2026-10-01 00:00:00', rows: 1, calls: 1, input_tokens: 50, cost_usd: '0.5' };
    await before.insert('usage_hours', [hour]);
    await before.close();

    const after = await openDatabase({ path }, '1.0.0', systemClock);
    expect(await migrate(after, systemClock)).toEqual(expect.arrayContaining(['token-parts', 'web-searches']));
    expect(await after.query('SELECT input_tokens, token_parts FROM invocations FINAL')).toEqual([
      { input_tokens: '50', token_parts: {} },
    ]);
    const usage = () => {
      const [from, to] = ['2026-10-01T00:00:00.000000000Z', '2026-10-01T01:00:00.000000000Z'] as Timestamp[];
      const options = { quietS: 0, turns: new OneAtATime() };
      return queryUsage(after, { groupBy: ['prompt'], from: from!, to: to! }, options);
    };
    expect(await usage()).toMatchObject([
      { calls: 1, input_tokens: 50, token_parts: {}, web_searches: 0, cost_usd: '0.5' },
    ]);
    // The call is settled again, with a part; and another one has none.
    await after.insert('invocations', [
      { ...call, input_tokens: 50, token_parts: { input_audio: 20 }, web_searches: 3, cost_usd: '0.7', revision: 2 },
      { ...call, trace_id: 'c', input_tokens: 1, cost_usd: '0.1', revision: 2 },
    ]);
    expect(await usage()).toMatchObject([
      { calls: 2, input_tokens: 51, token_parts: { input_audio: 20 }, web_searches: 3, cost_usd: '0.8' },
    ]);
    await after.close();
  });

  it('is safe in many replicas that start together, also half way', async () => {
    const { url } = await startClickHouseHttp();
    const replicas = await Promise.all(Array.from({ length: 6 }, () => openDatabase({ url }, '1.0.0', systemClock)));
    await Promise.all(replicas.map((replica) => migrate(replica, systemClock)));
    await Promise.all(replicas.map((replica) => migrate(replica, systemClock, [...MIGRATIONS, addNote])));
    const [one] = replicas;
    expect(await migrate(one!, systemClock, [...MIGRATIONS, addNote])).toEqual([]);
    await one!.insert('texts', [{ hash: 'sha256:1', content: 'x', note: 'y', other: 'z' }]);
    expect(await one!.query('SELECT note, other FROM texts')).toEqual([{ note: 'y', other: 'z' }]);
    await Promise.all(replicas.map((replica) => replica.close()));
  });
});

it('tries again where it sees of another replica that it added a column, and not yet what for', async () => {
  const database = await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock);
  await migrate(database, systemClock, MIGRATIONS.slice(0, 11));
  await database.command('ALTER TABLE usage_hours ADD COLUMN service_tier LowCardinality(String)');
  let refused = 0;
  const command = async (statement: string): Promise<void> => {
    try {
      await database.command(statement);
    } catch (error) {
      refused += 1;
      await database.command('ALTER TABLE usage_hours DROP COLUMN service_tier');
      throw error;
    }
  };
  const seeing = new Proxy(database, {
    get: (of, name) => {
      const value: unknown = name === 'command' ? command : of[name as keyof typeof of];
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
  await migrate(seeing, systemClock);
  expect(refused).toBe(1);
  expect(await migrate(database, systemClock)).toEqual([]);
  await database.close();
});

describe('the tables of a cluster', () => {
  const cluster = replicatedTables("it's `mine`");
  const statements = MIGRATIONS.flatMap((migration) => migration.statements(cluster));

  it('are all made on every node, and replicated', () => {
    // What is copied into a replicated table comes to every node by itself.
    const made = statements.filter((each) => !each.startsWith('INSERT INTO call_'));
    for (const statement of made) expect(statement).toMatch(/ ON CLUSTER `it's \\`mine\\``/);
    for (const statement of statements.filter((each) => each.startsWith('CREATE TABLE'))) {
      expect(statement).toMatch(
        /ENGINE = Replicated(Replacing|Summing)?MergeTree\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}'[,)]/,
      );
      expect(statement).not.toContain('deduplication_window');
    }
  });

  it('differ from plain ones in nothing else', () => {
    const plain = MIGRATIONS.flatMap((migration) => migration.statements(plainTables));
    const simplified = statements.map((statement) =>
      statement
        .replace(cluster.onCluster, '')
        .replace(cluster.settings, plainTables.settings)
        .replace(/ENGINE = Replicated(\w+)\('[^']*', '\{replica\}'(?:, )?/, 'ENGINE = $1('),
    );
    expect(simplified).toEqual(plain);
  });

  it('may be made twice', () => {
    // Copied rows replace their like.
    const may = /IF (NOT )?EXISTS|^INSERT INTO call_|MODIFY TTL/;
    for (const statement of statements) expect(statement).toMatch(may);
  });
});
