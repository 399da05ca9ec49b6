/** Questions that people write in SQL: what is answered, what is refused, and that nothing else can be done by one. */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SqlDesk, SqlFormat } from '../../src/contract/sql.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { COMPUTING_CATEGORIES, COMPUTING_OTHERS, COMPUTING_TABLES } from '../../src/store/sql/functions.ts';
import { createSqlDesk } from '../../src/store/sql/sql-desk.ts';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { storedCall } from '../support/stored-calls.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const directory = tempDirectory();
const secret = join(directory, 'secret.txt');
const zone = 'Fixed/UTC+00:00:01';
const written = join(directory, 'written.tsv');
writeFileSync(secret, 'a secret\n');

/** For longer than the limit. */
const LONG = 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 0';

const openers = {
  embedded: () => openDatabase({ path: tempDirectory() }, '1.2.3', systemClock),
  server: async () => {
    const { url, user, password } = await startClickHouseHttp();
    return await openDatabase({ url, user, password }, '1.2.3', systemClock);
  },
};

describe.each(['embedded', 'server'] as const)('over the %s database', (kind) => {
  let database: Database;
  let desk: SqlDesk;
  const ask = async (sql: string, format: SqlFormat = 'json'): Promise<string> =>
    Buffer.from(await desk.ask({ sql, format })).toString('utf8');
  const rows = async (sql: string): Promise<unknown> => (JSON.parse(await ask(sql)) as { data: unknown }).data;
  const refused = (sql: string): Promise<string> =>
    ask(sql).then(
      (answer) => `answered: ${answer}`,
      (error: Error & { field?: string }) => (error.field === 'query' ? 'refused' : `failed: ${error.message}`),
    );

  beforeAll(async () => {
    database = await openers[kind]();
    await migrate(database, systemClock);
    const at = systemClock.now();
    const cost = { cost_usd: '0.100000001' };
    await database.insert('invocations', [storedCall(1, at, '1', cost), storedCall(2, at, '2', cost)]);
    desk = createSqlDesk(database);
  });
  afterAll(() => database.close());

  test('answers a question in each format, whatever way it is written', async () => {
    const sql = `-- what it cost
      WITH priced AS (SELECT version, cost_usd FROM invocations FINAL WHERE NOT is_deleted)
      SELECT version, sum(cost_usd) AS usd, countIf(cost_usd > 0) AS calls FROM priced GROUP BY version /* each */ ORDER BY version DESC;`;
    const row = (version: string) => ({ version, usd: '0.100000001', calls: '1' });
    expect(JSON.parse(await ask(sql))).toMatchObject({
      meta: [{ name: 'version' }, { name: 'usd' }, { name: 'calls', type: 'UInt64' }],
      data: [row('2'), row('1')],
      rows: 2,
    });
    expect(JSON.parse(await ask(sql, 'compact'))).toMatchObject({
      data: [Object.values(row('2')), Object.values(row('1'))],
    });
    expect(
      (await ask(sql, 'ndjson'))
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([row('2'), row('1')]);
    expect(await ask(sql, 'csv')).toBe('"version","usd","calls"\n"2",0.100000001,1\n"1",0.100000001,1\n');
    expect(await ask(sql, 'tsv')).toBe('version\tusd\tcalls\n2\t0.100000001\t1\n1\t0.100000001\t1\n');
    for (const [format, magic] of [
      ['parquet', 'PAR1'],
      ['arrow', 'ARROW1'],
    ] as const)
      expect((await ask(sql, format)).startsWith(magic)).toBe(true);
  });

  test.each([
    ['SELECT 1 UNION ALL SELECT 2', [{ 1: 1 }, { 1: 2 }]],
    ["SELECT 'file(' AS a, 'SETTINGS x; -- ' AS b", [{ a: 'file(', b: 'SETTINGS x; -- ' }]],
    ['SELECT $$eval({x})$$ AS a', [{ a: 'eval({x})' }]],
    ["SELECT ' FORMAT CSV' AS a", [{ a: ' FORMAT CSV' }]],
    [
      'SELECT arrayMap(x -> x * 2, [1, 2]) AS a, sumIf(number, number > 1) AS b FROM numbers(3)',
      [{ a: [2, 4], b: '2' }],
    ],
    ['SELECT number AS n FROM numbers(3) ORDER BY n DESC LIMIT 1', [{ n: '2' }]],
    ['SELECT "version" AS v, `prompt` AS p FROM invocations LIMIT 0', []],
    [
      "SELECT count() > 9 AS many FROM system.columns WHERE table = 'invocations' AND database = currentDatabase()",
      [{ many: 1 }],
    ],
    ['SELECT NULL AS a, if(1, version, NULL) AS v FROM invocations LIMIT 1', [{ a: null, v: '1' }]],
    [
      "SELECT toString(toDateTime(0, 'Europe/Berlin')) AS a, toDate32('1970-01-02', 'UTC') AS b, toDateTime64(1.5, 3, 'UTC')::Date AS c",
      [{ a: '1970-01-01 01:00:00', b: '1970-01-02', c: '1970-01-01' }],
    ],
    [
      "SELECT toStartOfInterval(toDateTime(0, 'UTC'), INTERVAL 1 DAY, 'UTC') = 0 AS a, dateDiff('day', toDate(0), ifNull(toDate(2), today()), 'UTC') AS b",
      [{ a: 1, b: '2' }],
    ],
    [
      "SELECT JSONExtract('{\"a\":1}', 'a', 'Int8') AS a, CAST('x' AS Enum8('x' = 1, 'y' = 2)) AS b, toDateTime(1)::Nullable(DateTime('UTC')) = 1 AS c",
      [{ a: 1, b: 'x', c: 1 }],
    ],
    [
      "SELECT * APPLY toString APPLY(x -> concat(x, '!')) FROM (SELECT toUnixTimestamp(toDateTime(5)) AS a)",
      [{ "concat(toString(a), '!')": '5!' }],
    ],
    ['EXPLAIN SELECT 1', [{ explain: 'Output: 1' }, { explain: '' }, { explain: 'ReadFromSystemOne' }]],
  ] as const)('answers %s', async (sql, expected) => {
    expect(await rows(sql)).toEqual(expected);
  });

  test.each([
    `SELECT file('${secret}')`,
    `SELECT FILE('${secret}')`,
    `SELECT \`file\`('${secret}')`,
    `SELECT "fi\\x6ce"('${secret}')`,
    `SELECT * APPLY(file) FROM (SELECT '${secret}')`,
    `SELECT * APPLY file FROM (SELECT '${secret}')`,
    `SELECT arrayMap(file, ['${secret}'])`,
    `WITH file AS f SELECT f('${secret}')`,
    `SELECT * FROM file('${secret}', 'LineAsString')`,
    `SELECT * FROM /* */ file /* */ ('${secret}', 'LineAsString')`,
    `SELECT 1 IN (SELECT 1 FROM view(SELECT * FROM file('${secret}', 'LineAsString')))`,
    `SELECT * FROM eval('SELECT file(''${secret}'')')`,
    `SELECT * FROM fileCluster('default', '${secret}', 'LineAsString')`,
    `SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'LineAsString')`,
    `SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')`,
    `SELECT * FROM remote('127.0.0.1', system.one)`,
    `SELECT * FROM executable('ls', 'TSV', 'a String')`,
    `SELECT * FROM merge('system', '.*')`,
    // The engine would take it.
    `SELECT toDateTime(0, '${zone}')`,
    `SELECT TO_UNIXTIME(now(), '${zone}')`,
    `SELECT DAY(now(), '${zone}')`,
    `SELECT now('${zone}')`,
    `SELECT now(concat('${zone}', ''))`,
    `WITH '${zone}' AS z SELECT toString(now(), z)`,
    `SELECT toTimeZone(now(), (SELECT '${zone}'))`,
    `SELECT toTimeZone(now(), ('${zone}'))`,
    `SELECT toTimeZone(now(), '${zone}' AS z)`,
    `SELECT now() AT TIME ZONE '${zone}'`,
    `SELECT "toDateTime"(0, '${zone}')`,
    `SELECT * APPLY(toDateTime, '${zone}') FROM (SELECT 0)`,
    `SELECT * APPLY(x -> toDateTime(0, x)) FROM (SELECT '${zone}')`,
    `SELECT * APPLY now FROM (SELECT '${zone}')`,
    `WITH x -> toDateTime(0, x) AS f SELECT f('${zone}')`,
    `SELECT 0::DateTime('${zone}')`,
    `SELECT CAST(0 AS Tuple(a Array(DateTime64(3, '${zone}'))))`,
    `SELECT CAST(0, concat('DateTime(''', '${zone}', ''')'))`,
    `SELECT JSONExtract('1', 'DateTime(''${zone}'')')`,
    `SELECT defaultValueOfTypeName('DateTime(''${zone}'')')`,
    `SELECT a."DateTime('${zone}')" FROM (SELECT 1::Dynamic AS a)`,
    `SELECT * FROM values('a DateTime(''${zone}'')', 0)`,
    `SELECT toDateTime(0, 'file:${secret}')`,
    "SELECT toDateTime(0, 'Fixed/UTC+00:00:01')",
    "SELECT CAST(unhex('00') AS AggregateFunction(uniq, UInt8))",
    "SELECT CAST(unhex('00'), concat('Aggregate', 'Function(uniq, UInt8)'))",
    "SELECT levenshteinDistance('a', 'b')",
    "SELECT sparkbar('a')(number, number) FROM numbers(3)",
    'SELECT * FROM system.processes',
    'SELECT * FROM `system` . `users`',
    'SELECT * FROM SYSTEM.users',
    'SELECT * FROM default.anything',
    `SELECT 1 INTO OUTFILE '${written}'`,
    `SELECT 1 INTO OUTFILE '${written}' FORMAT TSV`,
    `SELECT 1) INTO OUTFILE '${written}' --`,
    `SELECT 1) UNION ALL (SELECT 1 INTO OUTFILE '${written}'`,
    `SELECT 1; SELECT 1 INTO OUTFILE '${written}'`,
    'SELECT 1; DROP TABLE invocations',
    'SELECT 1 FORMAT CSV',
    'SELECT 1 SETTINGS max_threads = 8',
    'SELECT * FROM (SELECT 1 SETTINGS readonly = 0)',
    'SELECT {a:String}',
    'SELECT * FROM {a:Identifier}',
    'SELECT nothing FROM invocations',
    'SELECT * FROM nothing',
    'SELEC 1',
    '',
    '-- nothing',
    'INSERT INTO texts (hash) VALUES (1)',
    'INSERT INTO texts SELECT * FROM texts',
    `INSERT INTO FUNCTION file('${written}') SELECT 1`,
    'DROP TABLE invocations',
    'ALTER TABLE invocations DELETE WHERE 1',
    'CREATE TABLE mine (a Int8) ENGINE = Memory',
    'CREATE TEMPORARY TABLE mine (a Int8)',
    'CREATE FUNCTION mine AS x -> x',
    'OPTIMIZE TABLE invocations',
    'SYSTEM SHUTDOWN',
    'SYSTEM DROP MARK CACHE',
    'KILL QUERY WHERE 1',
    'SET readonly = 0',
    'USE system',
    'ATTACH DATABASE x',
    'BACKUP DATABASE plumbline TO Null',
    'GRANT ALL ON *.* TO default',
    'EXECUTE AS default SELECT 1',
    'exit',
  ])('refuses %s', async (sql) => {
    expect(await refused(sql)).toBe('refused');
    expect(existsSync(written)).toBe(false);
    expect(await rows('SELECT count() AS n FROM invocations')).toEqual([{ n: '2' }]);
  });

  test('even what gets past the check can write nothing', async () => {
    for (const sql of [
      'INSERT INTO texts (hash) SELECT 1',
      'DROP TABLE texts',
      'SET readonly = 0',
      'SYSTEM FLUSH LOGS',
    ])
      await expect(database.answer(sql, 'JSON')).rejects.toMatchObject({ name: 'Fault' });
    expect(await database.query('SELECT count() AS n FROM texts')).toEqual([{ n: '0' }]);
  });

  test('what asks too much is told what to do', async () => {
    await expect(ask('SELECT * FROM numbers(2000000)')).rejects.toMatchObject({
      field: 'query',
      hint: 'Its answer is too large: add a LIMIT, or group.',
    });
    const long = `SELECT number AS ${'n'.repeat(1_000)} FROM numbers(200000)`;
    await expect(ask(long)).rejects.toMatchObject({ field: 'query', message: 'The answer has more than 64 MiB.' });
    expect((await ask(long, 'csv')).split('\n')).toHaveLength(200_002);
    expect(await rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('says where a question is wrong, and nothing of how it was checked', async () => {
    await expect(ask('SELECT count( FROM invocations')).rejects.toThrow(/^Syntax error: failed at position \d+/);
    await expect(ask('SELECT count( FROM invocations')).rejects.not.toThrow(/formatQuery|DB::Exception|version \d/);
  });

  test('one is answered at a time, some wait, and the rest is told to come back', async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 20 }, () => ask('SELECT sum(number) AS n FROM numbers(1000000)')),
    );
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
    expect(asked.at(-1)).toMatchObject({ reason: { kind: 'overloaded', retryAfterMs: 10_000 } });
    expect(await rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('who hangs up is not waited for, and what does not end keeps its place and nobody', async () => {
    const impatient = createSqlDesk(database, { answerMs: 50, waitMs: 50 });
    const put = (sql: string, gone?: AbortSignal): Promise<unknown> =>
      impatient.ask({ sql, format: 'csv' }, gone).then(
        () => 'answered',
        (error: Error & { kind?: string }) => error.kind ?? error.message,
      );
    const leaver = new AbortController();
    const asked = [
      put('SELECT count() FROM numbers(50000000) WHERE sipHash64(number) = 0'),
      put('SELECT 1'),
      put('SELECT 1', leaver.signal),
    ];
    leaver.abort(new Error('hung up'));
    expect(await Promise.all(asked)).toEqual(['permanent', 'overloaded', 'hung up']);
    await expect.poll(() => put('SELECT 1'), { timeout: 60_000 }).not.toBe('overloaded');
  });

  test('what is being answered ends when its asker hangs up', async () => {
    if (kind === 'server') return;
    const leaver = new AbortController();
    const long = desk.ask({ sql: LONG, format: 'csv' }, leaver.signal).catch((error: Error) => error.message);
    await expect
      .poll(() =>
        database.query("SELECT 1 FROM system.processes WHERE Settings['readonly'] = '1' AND query LIKE '%sipHash64%'"),
      )
      .toHaveLength(1);
    leaver.abort(new Error('hung up'));
    expect(await long).toContain('QUERY_WAS_CANCELLED');
  });

  test('only some time zones are loaded, since none is ever forgotten', async () => {
    const fresh = createSqlDesk(database);
    const zones = await database.query<{ z: string }>('SELECT time_zone AS z FROM system.time_zones LIMIT 25');
    const askOf = (count: number): Promise<Uint8Array> => {
      const each = zones.slice(0, count).map(({ z }) => `toDateTime(0, '${z}')`);
      return fresh.ask({ sql: `SELECT ${each.join(', ')}`, format: 'csv' });
    };
    await askOf(24);
    await askOf(24);
    await expect(askOf(25)).rejects.toMatchObject({
      field: 'query',
      message: expect.stringContaining('24 time zones'),
    });
    await fresh.ask({ sql: 'SELECT 1', format: 'csv' });
  });
});

test('what questions may use exists in the engine, so that no name in the list is a slip', async () => {
  const database = await openDatabase({ path: tempDirectory() }, '1.2.3', systemClock);
  const names = async (sql: string): Promise<ReadonlySet<string>> =>
    new Set((await database.query<{ n: string }>(sql)).map(({ n }) => n));
  const categories = await names('SELECT DISTINCT categories AS n FROM system.functions');
  const functions = await names("SELECT name AS n FROM system.functions WHERE categories = 'Other'");
  const tables = await names('SELECT name AS n FROM system.table_functions');
  expect(COMPUTING_CATEGORIES.filter((name) => !categories.has(name))).toEqual([]);
  expect(COMPUTING_OTHERS.filter((name) => !functions.has(name))).toEqual([]);
  expect(COMPUTING_TABLES.filter((name) => !tables.has(name))).toEqual([]);
  // What reaches beyond its arguments is of a category that is not listed.
  const reaching = [
    'file',
    'sleep',
    'sleepEachRow',
    'catboostEvaluate',
    'joinGet',
    'getClientHTTPHeader',
    'showCertificate',
  ];
  expect(reaching.filter((name) => COMPUTING_OTHERS.includes(name) || !functions.has(name))).toEqual([]);
  await database.close();
});

test('a store that is closed does not wait for what is being answered', async () => {
  const database = await openDatabase({ path: tempDirectory() }, '1.2.3', systemClock);
  const long = createSqlDesk(database)
    .ask({ sql: LONG, format: 'csv' })
    .catch((error: Error) => error.message);
  await expect
    .poll(() =>
      database.query("SELECT 1 FROM system.processes WHERE Settings['readonly'] = '1' AND query LIKE '%sipHash64%'"),
    )
    .toHaveLength(1);
  await database.close();
  expect(await long).toContain('QUERY_WAS_CANCELLED');
});

test('no function that a question may use takes a time zone that was not looked at', async () => {
  const database = await openDatabase({ path: tempDirectory() }, '1.2.3', systemClock);
  const desk = createSqlDesk(database);
  const said = (asked: Promise<unknown>): Promise<string> => asked.then(String, (error: Error) => error.message);
  const categories = ['Dates and Times', 'Type Conversion', 'UUID', 'Time Window', 'Time Series'];
  const functions = await database.query<{ name: string }>(
    `SELECT name FROM system.functions WHERE NOT is_aggregate AND if(alias_to = '', name, alias_to) IN (
       SELECT name FROM system.functions WHERE categories IN {categories:Array(String)})`,
    { categories },
  );
  const unknown = "'no/zone'";
  const first = ['toDateTime(0)', '1', "'2020-01-01 00:00:00'", 'generateUUIDv7()'];
  const later = ['toDateTime(0)', '1', "'%Y-%m-%d %H:%M:%S'", 'toIntervalDay(1)'];
  const lists = [
    [unknown],
    ...first.map((a) => [a, unknown]),
    ...first.flatMap((a) => later.map((b) => [a, b, unknown])),
    ["'day'", 'toDateTime(0)', unknown],
    ["'day'", 'toDateTime(0)', 'toDateTime(0)', unknown],
    ['toDateTime(0)', 'toIntervalDay(1)', 'toIntervalDay(1)', unknown],
    ...[6, 7, 8].map((count) => [...Array<string>(count).fill('1'), unknown]),
  ];
  let takers = 0;
  for (const { name } of functions)
    for (const list of lists) {
      const sql = `SELECT "${name}"(${list.join(', ')})`;
      if (!(await said(database.query(sql))).includes('Cannot load time zone')) continue;
      takers++;
      expect(await said(desk.ask({ sql, format: 'csv' })), sql).toContain('takes a time zone there');
    }
  expect(takers).toBeGreaterThan(200);
  await database.close();
}, 120_000);
