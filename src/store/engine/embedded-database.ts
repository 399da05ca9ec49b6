/**
 * ClickHouse in this process. One process owns a data directory, and a process can own only one:
 * both are limits of the engine.
 */

// Before the engine's library.
import { ownEngineMemory, type EngineMemory } from './memory.ts';
import {
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client';
import { drainPending, Session, version } from 'chdb';
import { createChdbConnection, type ChdbConnection, type Connection } from 'chdb/connection';
import { existsSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { Fault } from '../../contract/fault.ts';
import type { Clock } from '../../contract/time.ts';
import { clickHouseFault, withFaults } from './clickhouse-fault.ts';
import { withinClaimedDirectory } from './claimed-directory.ts';
import { connectionPool, type Pool } from './connection-pool.ts';
import {
  claimDirectory,
  directoryInUse,
  directoryOwner,
  enginePath,
  lockOfEngine,
  prepareDirectory,
  releaseDirectory,
} from './data-directory.ts';
import { DATABASE_NAME, type Database, type QueryParameters } from '../database.ts';
import { jsonLines } from '../json-lines.ts';
import { withoutLeftovers } from './leftovers.ts';
import { letEngineStepBack } from './threads.ts';
import { endAtAbort, endAtExit } from './fatal-signals.ts';
import { mayHaveOpen } from './process-identity.ts';
import {
  ANSWER_BYTES_MAX,
  answerTooLarge,
  EMBEDDED_SETTINGS,
  insertSettings,
  READER_SETTINGS,
} from './query-settings.ts';
import { inlineParameters, quoteText } from './sql-literals.ts';
import { detachStandardInput } from './standard-input.ts';
import { embeddedTables } from './table-dialect.ts';

export interface EmbeddedOptions {
  /** The data directory; created when missing. */
  readonly path: string;
  readonly release: string;
  readonly clock: Clock;
  /** Half of what there is, if it is not said. */
  readonly memory?: EngineMemory | undefined;
}

// Three of Node's four I/O threads, two of them for reads and statements: an insert, what new calls ask, and the
// daemon's own file access never wait for a slow report.
const CONNECTIONS = 3;
const READS_MAX = 2;

const MEGABYTE = 1_000_000;
/** Nothing else is asked in that mode, nor two of them at once. */
const END_ANSWERS = `KILL QUERY WHERE Settings['readonly'] = '1' ASYNC FORMAT Null`;
/** Of the engine's memory, for a question that is not ours. */
const READER_SHARE = 1 / 4;
// A write that finds the disk full is lost without a word: this build of the engine takes it for done. It does ask
// for the place of an insert or a merge before it begins, and this much is left for what then takes it away.
const KEEP_FREE_BYTES = 256 * 1024 * 1024;

export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<Database> {
  const engine = version().libchdb.replaceAll('"', '');
  await prepareDirectory(options.path, options.release, engine);
  detachStandardInput();
  const memory = options.memory ?? ownEngineMemory();
  const keeper = await openSession(options.path, memory);
  const isClosed = endAtExit();
  const connect = (): ChdbConnection => createChdbConnection({ path: enginePath(options.path) });
  const connections = Array.from({ length: CONNECTIONS }, connect);
  const pool = withinClaimedDirectory(withoutLeftovers(connectionPool(connections, READS_MAX)), options.path);
  const clientFor = (use: 'read' | 'write'): ClickHouseClient => {
    // The engine's package and the client's each carry their own copy of the contract's types.
    const connection = pooledConnection(pool, use) as unknown as ClickHouseClientConfigOptions['connection'];
    return createClient({ ...(connection !== undefined && { connection }), log: { level: ClickHouseLogLevel.OFF } });
  };
  const [client, clientAhead] = [clientFor('read'), clientFor('write')];
  const endAnswers = async (): Promise<void> => {
    // It ends between two blocks of rows. Where the engine is not asked any more, it is waited for.
    await pool.run('write', (connection) => connection.command({ query: END_ANSWERS })).catch(() => undefined);
  };
  const closeAll = async (): Promise<void> => {
    await endAnswers();
    await pool.drain();
    await client.close();
    await clientAhead.close();
    for (const each of connections) await each.close();
    keeper.close();
    await drainPending();
    isClosed();
  };
  try {
    await keeper.queryAsync(`CREATE DATABASE IF NOT EXISTS ${DATABASE_NAME} ENGINE = Atomic`);
    for (const each of connections) await prepareConnection(each, memory);
    letEngineStepBack();
    endAtAbort();
    await claimDirectory(options.path, options.release, engine, options.clock.now());
  } catch (error) {
    await closeAll();
    throw clickHouseFault(error, 'open its data directory', 'embedded');
  }
  const answer: Database['answer'] = async (sql, format, signal) => {
    let ending: Promise<void> | undefined;
    const end = (): void => {
      ending = endAnswers();
    };
    signal?.addEventListener('abort', end);
    try {
      return await withFaults('answer a question in SQL', 'embedded', () =>
        // In the place of one of the pool's: it has the I/O thread that this one needs.
        pool.run('read', () => answerOnItsOwn(connect(), memory, sql, format)),
      );
    } finally {
      signal?.removeEventListener('abort', end);
      // Before the next is begun, which it would end too.
      await ending;
    }
  };
  return { ...embeddedDatabase(options, { client, clientAhead }, pool, closeAll), answer };
}

function embeddedDatabase(
  options: EmbeddedOptions,
  { client, clientAhead }: { readonly client: ClickHouseClient; readonly clientAhead: ClickHouseClient },
  pool: Pool<ChdbConnection>,
  closeAll: () => Promise<void>,
): Omit<Database, 'answer'> {
  let closing: Promise<void> | null = null;
  const insertJsonLines: Database['insertJsonLines'] = async (table, lines) => {
    if (lines.byteLength === 0) return;
    const rows = { table, values: lines, format: 'JSONEachRow' as const, settings: insertSettings() };
    await withFaults(`insert into ${table}`, 'embedded', () =>
      pool.run('write', (connection) => connection.chdb.rawInsert(rows)),
    );
  };
  return {
    kind: 'embedded',
    dialect: embeddedTables,
    release: options.release,
    query: (sql, parameters, signal) => ask(client, sql, parameters, signal),
    queryAhead: (sql, parameters) => ask(clientAhead, sql, parameters),
    command: (sql, parameters = {}) =>
      withFaults('run a statement', 'embedded', async () => {
        await client.command({ query: inlineParameters(sql, parameters) });
      }),
    insert: (table, rows) => insertJsonLines(table, jsonLines(rows)),
    insertJsonLines,
    ping: () =>
      withFaults('answer', 'embedded', async () => {
        const answer = await client.ping();
        if (!answer.success)
          throw new Fault('transient', 'The embedded store does not answer.', { cause: answer.error });
      }),
    close: async () => {
      closing ??= closeAll().then(() => releaseDirectory(options.path));
      await closing;
    },
  };
}

function ask<Row>(
  client: ClickHouseClient,
  sql: string,
  parameters: QueryParameters = {},
  signal?: AbortSignal,
): Promise<Row[]> {
  return withFaults(
    'answer a query',
    'embedded',
    async () => {
      const result = await client.query({
        query: inlineParameters(sql, parameters),
        format: 'JSONEachRow',
        ...(signal !== undefined && { abort_signal: signal }),
      });
      return await result.json<Row>();
    },
    signal,
  );
}

/** The client's own connection contract, served by whichever connection is free; `use` of questions. */
function pooledConnection(pool: Pool<ChdbConnection>, use: 'read' | 'write'): Connection<Readable> {
  return {
    query: ({ abort_signal: signal, ...params }) => pool.run(use, (connection) => connection.query(params), signal),
    exec: ({ abort_signal: signal, ...params }) => pool.run('write', (connection) => connection.exec(params), signal),
    // What is added up or restated by a statement takes as long as a report.
    command: ({ abort_signal: signal, ...params }) =>
      pool.run('read', (connection) => connection.command(params), signal),
    insert: ({ abort_signal: signal, ...params }) =>
      pool.run('write', (connection) => connection.insert(params), signal),
    ping: (params) => pool.run('read', (connection) => connection.ping(params)),
    close: () => Promise.resolve(),
  };
}

/** Settings hold for a connection's life. */
async function prepareConnection(connection: ChdbConnection, { reading }: EngineMemory): Promise<void> {
  const narrow = reading === null ? {} : { max_block_size: reading.rows, max_threads: reading.threads };
  await connection.command({ query: `USE ${DATABASE_NAME}; SET ${assignments({ ...EMBEDDED_SETTINGS, ...narrow })}` });
}

/** On a connection that can't write, for which half a millisecond is paid. Its settings can't be changed back. */
async function answerOnItsOwn(
  connection: ChdbConnection,
  memory: EngineMemory,
  sql: string,
  format: string,
): Promise<Uint8Array> {
  try {
    await prepareConnection(connection, memory);
    const bounds = { ...READER_SETTINGS, max_memory_usage: Math.floor(memory.bytesMax * READER_SHARE) };
    await connection.command({ query: `SET ${assignments(bounds)}` });
    const bytes = (await connection.chdb.queryAsync(sql, { format })).bytes();
    if (bytes.byteLength > ANSWER_BYTES_MAX) throw answerTooLarge();
    // A copy: the bytes belong to the connection.
    return Buffer.from(bytes);
  } finally {
    await connection.close();
  }
}

function assignments(settings: Readonly<Record<string, string | number>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${literalSetting(value)}`)
    .join(', ');
}

function literalSetting(value: string | number): string {
  return typeof value === 'number' ? String(value) : quoteText(value);
}

/**
 * The first session fixes what the engine may use. Its defaults are those of a server that owns the
 * machine; here it shares a process with the daemon.
 */
function engineArguments({ bytesMax, cacheShare }: EngineMemory): string[] {
  const cache = (megabytes: number): number => Math.floor(megabytes * MEGABYTE * cacheShare);
  return [
    `--storage_configuration.disks.default.keep_free_space_bytes=${KEEP_FREE_BYTES}`,
    `--max_server_memory_usage=${bytesMax}`,
    // Half of it: inserts and reports come before merges.
    `--merges_mutations_memory_usage_soft_limit=${Math.floor(bytesMax / 2)}`,
    `--mark_cache_size=${cache(64)}`,
    `--primary_index_cache_size=${cache(64)}`,
    `--index_mark_cache_size=${cache(16)}`,
    `--compiled_expression_cache_size=${cache(16)}`,
    `--query_condition_cache_size=${cache(16)}`,
  ];
}

async function openSession(directory: string, memory: EngineMemory): Promise<Session> {
  const path = enginePath(directory);
  try {
    return new Session(path, { connectionArgs: engineArguments(memory) });
  } catch (error) {
    // The engine says only that it could not; its lock file says whether somebody else has it.
    const owner = await directoryOwner(directory);
    if (owner !== null) throw directoryInUse(directory, owner);
    const lock = lockOfEngine(directory);
    const pid = pidInStatusFile(lock);
    if (pid !== null && mayHaveOpen(pid, lock)) {
      throw new Fault('config', `The data directory ${directory} is in use by process ${pid}.`, {
        hint: `Stop that process (kill ${pid}), or choose another directory with --data.`,
        cause: error,
      });
    }
    throw new Fault('config', `The embedded ClickHouse could not open ${path}.`, {
      hint: 'Look at what it printed above: another container or machine may have the directory open, or the disk may be damaged.',
      cause: error,
    });
  }
}

/** The engine writes `PID: 123` into it. */
function pidInStatusFile(file: string): number | null {
  if (!existsSync(file)) return null;
  const pid = Number(/^PID: (\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]);
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}
