/** A ClickHouse server or cluster, over its HTTP interface. */

import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { describeError, Fault } from '../../contract/fault.ts';
import { formatDuration } from '../../lib/time.ts';
import { clickHouseCode, clickHouseFault, withFaults } from './clickhouse-fault.ts';
import { DATABASE_NAME, type Database, type TableDialect } from '../database.ts';
import { isForeignServer } from './foreign-server.ts';
import { jsonLines } from '../json-lines.ts';
import {
  ANSWER_BYTES_MAX,
  answerTooLarge,
  COMMON_SETTINGS,
  insertSettings,
  READER_SETTINGS,
} from './query-settings.ts';
import { isSilence, serverAgent, silence } from './server-agent.ts';
import { serverParameters } from './sql-literals.ts';
import { plainTables, quoteIdentifier, replicatedTables } from './table-dialect.ts';

export interface ServerOptions {
  /** `http://host:8123` or `https://…`; may carry user, password and database. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Created when missing. Default `plumbline`. */
  readonly database?: string | undefined;
  /** Name of the cluster over which tables are replicated. */
  readonly cluster?: string | undefined;
  readonly release: string;
  /** For how long a request may wait for the next byte of its answer. Default 60 s. */
  readonly requestTimeoutMs?: number;
  /** Until a connection stands. Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** Until the first answer, which takes no work. Default 15 s. */
  readonly firstAnswerTimeoutMs?: number;
  /** Gives up the opening. */
  readonly signal?: AbortSignal | undefined;
}

const REQUEST_TIMEOUT_MS = 60_000;
// A lost packet costs one second, the next two, the next four.
const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_ANSWER_TIMEOUT_MS = 15_000;
const OPEN_CONNECTIONS_MAX = 20;
const UNKNOWN_DATABASE = 81;

/** Creates the database if need be, so the server must be reachable. */
export async function openServerDatabase(options: ServerOptions): Promise<Database> {
  const location = locate(options);
  const dialect = options.cluster === undefined ? plainTables : replicatedTables(options.cluster);
  const client = connect(location, location.database, options);
  try {
    await createMissingDatabase(client, location, dialect, options);
  } catch (error) {
    await client.close();
    const fault = clickHouseFault(error, `open the database ${location.database}`, 'server');
    // What is on the way is transient; but behind a wrong port or path no ClickHouse will ever answer.
    if (clickHouseCode(error) !== null || fault.kind !== 'transient' || isSilence(error)) throw fault;
    if (!(await isForeignServer(location.url, options.signal))) throw fault;
    const hint = `What answers at ${location.url} is no ClickHouse server: check \`url\` in \`store:\`.`;
    throw new Fault('config', fault.message, { hint, cause: error });
  }
  return serverDatabase(client, dialect, location, options);
}

interface Location {
  /** Without user, password and database. */
  readonly url: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
}

/** What the URL carries counts more, as in ClickHouse's own clients. */
function locate(options: ServerOptions): Location {
  if (!URL.canParse(options.url)) {
    throw new Fault('config', 'The URL of the store is not a URL.', {
      hint: 'Write `store: { url: "http://host:8123" }`.',
    });
  }
  const url = new URL(options.url);
  return {
    url: url.origin,
    user: decodeURIComponent(url.username) || options.user,
    password: decodeURIComponent(url.password) || options.password,
    database: decodeURIComponent(url.pathname.slice(1)) || (options.database ?? DATABASE_NAME),
  };
}

/** Asks first: a user may have all rights in a database and none to create one. */
async function createMissingDatabase(
  client: ClickHouseClient,
  location: Location,
  dialect: TableDialect,
  options: ServerOptions,
): Promise<void> {
  try {
    await awaitFirstAnswer(client, location, options);
    return;
  } catch (error) {
    if (clickHouseCode(error) !== UNKNOWN_DATABASE) throw error;
  }
  const withoutDatabase = connect(location, undefined, options);
  const asked = options.signal === undefined ? {} : { abort_signal: options.signal };
  try {
    const name = quoteIdentifier(location.database);
    await withoutDatabase.command({ query: `CREATE DATABASE IF NOT EXISTS ${name} ${dialect.onCluster}`, ...asked });
  } finally {
    await withoutDatabase.close();
  }
}

/** Who says nothing to so little is not waited for as for a report. */
async function awaitFirstAnswer(
  client: ClickHouseClient,
  { url }: Location,
  { signal, firstAnswerTimeoutMs = FIRST_ANSWER_TIMEOUT_MS }: ServerOptions,
): Promise<void> {
  const timeout = AbortSignal.timeout(firstAnswerTimeoutMs);
  try {
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    await client.command({ query: 'SELECT 1', abort_signal: either });
  } catch (error) {
    if (!timeout.aborted || signal?.aborted === true) throw error;
    throw silence(`${url} did not answer within ${formatDuration(firstAnswerTimeoutMs)}`, error);
  }
}

function connect(location: Location, database: string | undefined, options: ServerOptions): ClickHouseClient {
  try {
    return createClient({
      url: location.url,
      ...(location.user !== undefined && { username: location.user }),
      ...(location.password !== undefined && { password: location.password }),
      ...(database !== undefined && { database }),
      // What goes wrong is thrown; nobody is told twice.
      log: { level: ClickHouseLogLevel.OFF },
      application: `plumbline/${options.release}`,
      request_timeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      http_agent: serverAgent(location.url, {
        connectionsMax: OPEN_CONNECTIONS_MAX,
        connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      }),
      compression: { request: true, response: true },
      // A page of hashes is longer than a URL may be.
      use_multipart_params_auto: true,
      // `auto`: a majority of the replicas has what was acknowledged.
      clickhouse_settings: { ...COMMON_SETTINGS, ...(options.cluster !== undefined && { insert_quorum: 'auto' }) },
    });
  } catch (error) {
    throw new Fault('config', `The URL of the store can't be used: ${(error as Error).message}`, {
      hint: 'Write `store: { url: "http://host:8123" }`.',
      cause: error,
    });
  }
}

function serverDatabase(
  client: ClickHouseClient,
  dialect: TableDialect,
  { url }: Location,
  { release, requestTimeoutMs = REQUEST_TIMEOUT_MS }: ServerOptions,
): Database {
  const ask = <Result>(doing: string, work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> =>
    withFaults(doing, 'server', () => namingTheSilent(url, requestTimeoutMs, work), signal);
  const insertJsonLines: Database['insertJsonLines'] = async (table, lines) => {
    if (lines.byteLength === 0) return;
    // Not `insert`: that takes bytes apart into objects and back. Bytes go through `exec` as they are.
    await ask(`insert into ${table}`, async () => {
      const { stream } = await client.exec({
        query: `INSERT INTO ${quoteIdentifier(table)} FORMAT JSONEachRow`,
        values: Readable.from([Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)], { objectMode: false }),
        clickhouse_settings: { ...insertSettings(), wait_end_of_query: 1 },
      });
      await finished(stream.resume());
    });
  };
  const query: Database['query'] = <Row>(sql: string, parameters = {}, signal?: AbortSignal) =>
    ask(
      'answer a query',
      async () => {
        const result = await client.query({
          query: sql,
          query_params: serverParameters(sql, parameters),
          format: 'JSONEachRow',
          ...(signal !== undefined && { abort_signal: signal }),
        });
        return await result.json<Row>();
      },
      signal,
    );
  return {
    kind: 'server',
    dialect,
    release,
    query,
    queryAhead: query,
    answer: (sql, format, signal) =>
      ask('answer a question in SQL', async () => {
        const { stream } = await client.exec({
          query: `${sql} FORMAT ${format}`,
          // Whole or not at all: what fails half-way has no answer yet.
          clickhouse_settings: {
            ...READER_SETTINGS,
            wait_end_of_query: 1,
            cancel_http_readonly_queries_on_client_close: 1,
          },
          ...(signal !== undefined && { abort_signal: signal }),
        });
        return await boundedBytes(stream);
      }),
    command: (sql, parameters = {}) =>
      ask('run a statement', async () => {
        await client.command({ query: sql, query_params: serverParameters(sql, parameters) });
      }),
    insert: (table, rows) => insertJsonLines(table, jsonLines(rows)),
    insertJsonLines,
    ping: () =>
      ask('answer', async () => {
        // With a SELECT, so that credentials are checked too.
        const answer = await client.ping({ select: true });
        if (!answer.success) throw answer.error;
      }),
    close: () => client.close(),
  };
}

async function boundedBytes(stream: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw answerTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Of a request that it gives up the client says neither whom it asked nor for how long. */
async function namingTheSilent<Result>(
  url: string,
  requestTimeoutMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const begunMs = performance.now();
  try {
    return await work();
  } catch (error) {
    const hasCode = (error as { code?: unknown } | null)?.code !== undefined || clickHouseCode(error) !== null;
    if (hasCode || performance.now() - begunMs < requestTimeoutMs) throw error;
    throw silence(
      `${url} gave no good answer within ${formatDuration(requestTimeoutMs)}: ${describeError(error)}`,
      error,
    );
  }
}
