import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/time.ts';
import { announceAddress, directoryOwner } from '../../src/store/engine/data-directory.ts';
import type { Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { startClickHouseHttp } from '../support/clickhouse-http.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const openers = {
  embedded: () => openDatabase({ path: tempDirectory() }, '1.2.3', systemClock),
  server: async () => {
    const { url, user, password } = await startClickHouseHttp({ user: 'plum', password: 'a:b/ü&' });
    return await openDatabase({ url, user, password }, '1.2.3', systemClock);
  },
};

describe.each(['embedded', 'server'] as const)('the %s database', (kind) => {
  let database: Database;

  beforeAll(async () => {
    database = await openers[kind]();
    await migrate(database, systemClock);
    await database.command(
      `CREATE TABLE rows_of_test (id UInt64, text String, at DateTime64(9, 'UTC'), money Nullable(Decimal(18, 6)))
       ${database.dialect.engine('MergeTree')} ORDER BY id SETTINGS ${database.dialect.settings}`,
    );
  });
  afterAll(async () => await database.close());

  it('gives nanoseconds, 64-bit integers and decimals without loss', async () => {
    const [row] = await database.query(
      `SELECT toUInt64('18446744073709551615') AS n, toDecimal64('0.000001', 6) AS money,
         toDateTime64('2026-11-20 02:47:00.123456789', 9, 'UTC') AS at,
         toDateTime64('2026-11-20 02:47:00', 9, 'UTC') AS whole`,
    );
    expect(row).toEqual({
      n: '18446744073709551615',
      money: '0.000001',
      at: '2026-11-20T02:47:00.123456789Z',
      whole: '2026-11-20T02:47:00.000000000Z',
    });
  });

  it('does not give what it had found for a question that failed with the answer to the next one', async () => {
    const failing = 'SELECT number, throwIf(number = 5) FROM numbers(10) SETTINGS max_block_size = 1';
    for (const next of ['1', '2', '3']) {
      await expect(database.query(failing)).rejects.toMatchObject({ kind: 'permanent' });
      expect(await database.query(`SELECT '${next}' AS next`)).toEqual([{ next }]);
      await expect(database.queryAhead(failing)).rejects.toMatchObject({ kind: 'permanent' });
      expect(await database.queryAhead(`SELECT '${next}' AS next`)).toEqual([{ next }]);
    }
  });

  it('answers what new calls wait for while reports take all that reports may', async () => {
    // Six seconds, in blocks of one row.
    const report = 'SELECT sum(sleepEachRow(0.5)) AS slept FROM numbers(12) SETTINGS max_block_size = 1';
    let answered = 0;
    const reports = Array.from({ length: 3 }, async () => {
      await database.query(report);
      answered += 1;
    });
    expect(await database.queryAhead('SELECT {one:String} AS one', { one: 'x' })).toEqual([{ one: 'x' }]);
    expect(answered).toBe(0);
    await Promise.all(reports);
  });

  it('takes any parameter as it is', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 }).map((value) => value.toWellFormed());
    await fc.assert(
      fc.asyncProperty(text, fc.array(text, { maxLength: 4 }), fc.integer(), async (one, many, number) => {
        const [row] = await database.query(
          'SELECT {one:String} AS one, {many:Array(String)} AS many, {number:Int64} AS number',
          { one, many, number },
        );
        expect(row).toEqual({ one, many, number: String(number) });
      }),
      {
        numRuns: 60,
        examples: [["' OR 1=1 --", ['\\', "\\'", '{one:String}', '\0\n\t$&'], -1]],
      },
    );
  });

  it('takes a timestamp as a parameter, and leaves text that looks like one alone', async () => {
    const at = '2026-11-20T02:47:00.123456789Z';
    const [row] = await database.query(`SELECT {at:DateTime64(9, 'UTC')} AS at, {text:String} AS text`, {
      at,
      text: at,
    });
    expect(row).toEqual({ at, text: at });
  });

  it('takes parameters longer than a URL', async () => {
    const hashes = Array.from({ length: 5_000 }, (_, index) => `sha256:${String(index).padStart(64, '0')}`);
    const [row] = await database.query('SELECT length({hashes:Array(String)}) AS n', { hashes });
    expect(row).toEqual({ n: '5000' });
  });

  it('shows at once what was inserted, and drops nothing that is equal', async () => {
    const rows = [{ id: '1', text: 'ü\n"', at: '2026-11-20T02:47:00.123456789Z', money: '1.5' }];
    await database.insert('rows_of_test', rows);
    expect(await database.query('SELECT * FROM rows_of_test')).toEqual(rows);
    const line = Buffer.from(`${JSON.stringify({ id: 2, text: 'x', at: rows[0]?.at })}\n`);
    await database.insertJsonLines('rows_of_test', line);
    await database.insertJsonLines('rows_of_test', line);
    expect(await database.query('SELECT count() AS n FROM rows_of_test WHERE id = 2')).toEqual([{ n: '2' }]);
    await database.insertJsonLines('rows_of_test', new Uint8Array());
  });

  it('answers many at a time, reads and writes mixed', async () => {
    const work = Array.from({ length: 60 }, async (_, index) => {
      if (index % 3 === 0) await database.insert('rows_of_test', [{ id: 1_000 + index, text: 'mixed' }]);
      const [row] = await database.query<{ n: number }>('SELECT {n:UInt32} AS n', { n: index });
      return row?.n;
    });
    expect(await Promise.all(work)).toEqual(Array.from({ length: 60 }, (_, index) => index));
    expect(await database.query("SELECT count() AS n FROM rows_of_test WHERE text = 'mixed'")).toEqual([{ n: '20' }]);
  });

  it('calls a statement that can never work permanent', async () => {
    await expect(database.query('SELECT nonsense(1)')).rejects.toMatchObject({ name: 'Fault', kind: 'permanent' });
    const garbage = Buffer.from('{"id": "no number"}\n');
    await expect(database.insertJsonLines('rows_of_test', garbage)).rejects.toMatchObject({ kind: 'permanent' });
  });

  it('takes a table that is not there for what a restart mends, and not for what is written', async () => {
    const missing = { kind: 'transient', hint: expect.stringContaining('restart the daemon') };
    await expect(database.query('SELECT 1 FROM nowhere')).rejects.toMatchObject(missing);
    await expect(database.insertJsonLines('nowhere', Buffer.from('{"id":1}\n'))).rejects.toMatchObject(missing);
  });

  it('stops waiting when told to', async () => {
    const gone = new Error('gone');
    await expect(database.query('SELECT 1', {}, AbortSignal.abort(gone))).rejects.toBe(gone);
    const controller = new AbortController();
    const slow = database.query('SELECT sleepEachRow(0.2) FROM numbers(5)', {}, controller.signal);
    controller.abort(gone);
    await expect(slow).rejects.toBe(gone);
    await database.ping();
  });
});

describe('the data directory', () => {
  it('is never filled to the last byte', async () => {
    const database = await openers.embedded();
    const disks = await database.query('SELECT name, keep_free_space FROM system.disks');
    expect(disks).toEqual([{ name: 'default', keep_free_space: String(256 * 1024 * 1024) }]);
    await database.close();
  });

  it('reads as many rows at a time as there is memory for', async () => {
    const memory = { bytesMax: 300_000_000, cacheShare: 0.5, reading: { rows: 512, threads: 1 } };
    const database = await openDatabase({ path: tempDirectory(), memory }, '1.2.3', systemClock);
    const settings = 'max_block_size, max_threads'
      .split(', ')
      .map((name) => `toString(getSetting('${name}')) AS ${name}`);
    expect(await database.query(`SELECT ${settings.join(', ')}`)).toEqual([
      { max_block_size: '512', max_threads: '1' },
    ]);
    const sizes = await database.query(
      "SELECT name, value FROM system.server_settings WHERE name IN ('max_server_memory_usage', 'mark_cache_size') ORDER BY name",
    );
    expect(sizes).toEqual([
      { name: 'mark_cache_size', value: '32000000' },
      { name: 'max_server_memory_usage', value: '300000000' },
    ]);
    await database.close();
  });

  it('says who has it open', async () => {
    const path = tempDirectory();
    const database = await openDatabase({ path }, '1.2.3', systemClock);
    await announceAddress(path, 'http://127.0.0.1:7070');
    await expect(openDatabase({ path }, '1.2.3', systemClock)).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringMatching(
        new RegExp(`in use by process ${process.pid} \\(plumbline 1.2.3, since 20.*API at http://127.0.0.1:7070\\)`),
      ),
    });
    await database.close();
    await database.close();
    await (await openDatabase({ path }, '1.2.3', systemClock)).close();
  });

  it('says which other process has it open, also when nothing but the engine tells', async () => {
    const path = tempDirectory();
    const script = join(import.meta.dirname, '..', 'support', 'store-writer.ts');
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    const refused = { kind: 'config', message: expect.stringContaining(`in use by process ${child.pid}`) };
    await expect(openDatabase({ path }, '1.2.3', systemClock)).rejects.toMatchObject(refused);
    rmSync(join(path, 'owner.json'));
    await expect(openDatabase({ path }, '1.2.3', systemClock)).rejects.toMatchObject(refused);
    // In another container its id may be that of somebody here.
    for (const pid of [process.pid, process.ppid]) {
      writeFileSync(join(path, 'clickhouse/status'), `PID: ${pid}\n`);
      const elsewhere = {
        message: expect.stringContaining('could not open'),
        hint: expect.stringContaining('container'),
      };
      await expect(openDatabase({ path }, '1.2.3', systemClock)).rejects.toMatchObject(elsewhere);
    }
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    await (await openDatabase({ path }, '1.2.3', systemClock)).close();
  });

  it('takes over from a process that is gone, also when its id has a new owner or the machine was restarted', async () => {
    const path = tempDirectory();
    await (await openDatabase({ path }, '1.2.3', systemClock)).close();
    const owner = { pid: process.pid, bootId: null, startTicks: '1', since: 'then', release: '1.2.3', address: null };
    for (const stale of [
      owner,
      { ...owner, pid: 2 ** 22 + 1, startTicks: null },
      { ...owner, startTicks: null, bootId: 'another' },
    ]) {
      writeFileSync(join(path, 'owner.json'), JSON.stringify(stale));
      const database = await openDatabase({ path }, '1.2.3', systemClock);
      expect(await directoryOwner(path)).toMatchObject({ pid: process.pid, release: '1.2.3', address: null });
      await database.close();
      expect(await directoryOwner(path)).toBeNull();
    }
  });

  it('refuses what a newer release, or a newer engine, wrote', async () => {
    const path = tempDirectory();
    await (await openDatabase({ path }, '1.2.3', systemClock)).close();
    const marker = JSON.parse(readFileSync(join(path, 'format.json'), 'utf8')) as object;
    for (const [change, said] of [
      [{ format: 2, release: '2.0.0' }, /was written by plumbline 2\.0\.0, which is newer/],
      [{ format: 0, release: '0.0.1' }, /has the format of plumbline 0\.0\.1, which is too old/],
      [{ engine: '99.1.1.1', release: '1.9.0' }, /was written with ClickHouse 99\.1\.1\.1/],
    ] as const) {
      writeFileSync(join(path, 'format.json'), JSON.stringify({ ...marker, ...change }));
      await expect(openDatabase({ path }, '1.2.3', systemClock)).rejects.toMatchObject({
        kind: 'config',
        message: expect.stringMatching(said),
        hint: expect.any(String),
      });
    }
  });

  it('says why it cannot be used', async () => {
    const path = tempDirectory();
    writeFileSync(join(path, 'file'), '');
    mkdirSync(join(path, 'sub'));
    for (const [bad, said] of [
      [join(path, 'file'), /can't be used: it is a file/],
      [join(path, 'file', 'below'), /can't be used: a part of its path is a file/],
      ['/proc/plumbline', /can't be used/],
    ] as const) {
      await expect(openDatabase({ path: bad }, '1.2.3', systemClock)).rejects.toMatchObject({
        kind: 'config',
        message: expect.stringMatching(said),
        hint: expect.stringContaining('--data'),
      });
    }
  });
});

describe('a server that is not well', () => {
  it('refuses bad credentials as a matter of configuration', async () => {
    const { url } = await startClickHouseHttp({ user: 'plum', password: 'right' });
    const opened = openDatabase({ url, user: 'plum', password: 'wrong' }, '1.2.3', systemClock);
    await expect(opened).rejects.toMatchObject({ kind: 'config', hint: expect.stringContaining('password') });
  });

  it('takes user, password and database from the URL', async () => {
    const { url } = await startClickHouseHttp({ user: 'plum', password: 'a b/c' });
    const full = url.replace('http://', 'http://plum:a%20b%2Fc@');
    const options = { url: `${full}/elsewhere`, user: 'default', password: '', database: 'plumbline' };
    const database = await openDatabase(options, '1.2.3', systemClock);
    expect(await database.query('SELECT currentDatabase() AS name')).toEqual([{ name: 'elsewhere' }]);
    await database.close();
  });

  it('calls everything on the way transient, and recovers', async () => {
    const server = await startClickHouseHttp();
    const database = await openDatabase({ url: server.url }, '1.2.3', systemClock);
    await server.trouble(1, 502, '<html>Bad gateway</html>');
    await expect(database.query('SELECT 1')).rejects.toMatchObject({ kind: 'transient' });
    await server.trouble(1, 500, 'Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)', 241);
    await expect(database.insert('migrations', [{ id: 9 }])).rejects.toMatchObject({ kind: 'overloaded' });
    await server.trouble(1, 500, 'Code: 243. DB::Exception: Cannot reserve 1 MiB. (NOT_ENOUGH_SPACE)', 243);
    await expect(database.query('SELECT 1')).rejects.toMatchObject({
      kind: 'overloaded',
      hint: expect.stringContaining('disk'),
    });
    await server.trouble(1, 500, 'Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)', 164);
    await expect(database.command('SELECT 1')).rejects.toMatchObject({ kind: 'config' });
    await server.hangUp(true);
    await expect(database.query('SELECT 1')).rejects.toMatchObject({ kind: 'transient' });
    await expect(database.ping()).rejects.toMatchObject({ kind: 'transient' });
    await server.hangUp(false);
    await database.ping();
    await server.kill();
    await expect(database.query('SELECT 1')).rejects.toMatchObject({ kind: 'transient' });
    await expect(openDatabase({ url: server.url }, '1.2.3', systemClock)).rejects.toMatchObject({ kind: 'transient' });
    await database.close();
  });

  it.each([
    ['a web page', 404, 'Not found', 'config'],
    ['another service', 200, '<html>Welcome</html>', 'config'],
    ['the port for native clients', 400, 'Port 9000 is for clickhouse-client program', 'config'],
    ['a proxy whose server is away', 503, 'No upstream', 'transient'],
    ['a proxy that has too much to do', 429, 'Later', 'transient'],
  ])('tells what is no server from one that is away: %s', async (_what, status, body, kind) => {
    const other = createServer((request, response) => {
      request.resume();
      response.writeHead(request.url === '/ping' || status !== 200 ? status : 500).end(body);
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const hint =
      kind === 'config' ? `What answers at ${url} is no ClickHouse server: check \`url\` in \`store:\`.` : undefined;
    await expect(openDatabase({ url }, '1.2.3', systemClock)).rejects.toMatchObject({
      kind,
      hint,
      message: expect.stringContaining(body),
    });
    other.close();
  });

  it('never blames the rows for what is wrong with the server: its load, its object storage, its cluster', async () => {
    const server = await startClickHouseHttp();
    const database = await openDatabase({ url: server.url }, '1.2.3', systemClock);
    for (const [code, name] of [
      [201, 'QUOTA_EXCEEDED'],
      [244, 'UNEXPECTED_ZOOKEEPER_ERROR'],
      [499, 'S3_ERROR'],
      [500, 'AZURE_BLOB_STORAGE_ERROR'],
      [733, 'TABLE_IS_BEING_RESTARTED'],
      [745, 'SERVER_OVERLOADED'],
    ] as const) {
      // That this release of the engine means the same by it.
      expect(await database.query(`SELECT errorCodeToName(${code}) AS name`)).toEqual([{ name }]);
      await server.trouble(1, 500, `Code: ${code}. DB::Exception: Not now. (${name})`, code);
      const failed = await database.insert('migrations', [{ id: 9 }]).catch((error: unknown) => error);
      expect(failed).toMatchObject({ kind: expect.stringMatching(/transient|overloaded/) });
    }
    await database.close();
  });

  it('names a URL that is none', async () => {
    await expect(openDatabase({ url: 'nonsense' }, '1.2.3', systemClock)).rejects.toMatchObject({ kind: 'config' });
  });
});
