/** A ClickHouse server or cluster, over its HTTP interface. */

import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Fault } from '../contract/fault.ts';
import { clickHouseFault, withFaults } from './clickhouse-fault.ts';
import type { Database, TableDialect } from './database.ts';
import { jsonLines } from './json-lines.ts';
import { COMMON_SETTINGS, insertSettings } from './query-settings.ts';
import { serverParameters } from './sql-literals.ts';
import { plainTables, quoteIdentifier, replicatedTables } from './table-dialect.ts';

export interface ServerOptions {
  /** `http://host:8123` or `https://…`; may carry neither user nor database. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Created when missing. Default `plumbline`. */
  readonly database?: string | undefined;
  /** Name of the cluster over which tables are replicated. */
  readonly cluster?: string | undefined;
  readonly release: string;
  readonly requestTimeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 60_000;
const OPEN_CONNECTIONS_MAX = 20;

/** Creates the database if need be, so the server must be reachable. */
export async function openServerDatabase(options: ServerOptions): Promise<Database> {
  const name = options.database ?? 'plumbline';
  const dialect = options.cluster === undefined ? plainTables : replicatedTables(options.cluster);
  await createDatabase(options, name, dialect);
  return serverDatabase(connect(options, name), dialect, options.release);
}

function connect(options: ServerOptions, database: string | undefined): ClickHouseClient {
  try {
    return createClient({
      url: options.url,
      ...(options.user !== undefined && { username: options.user }),
      ...(options.password !== undefined && { password: options.password }),
      ...(database !== undefined && { database }),
      // What goes wrong is thrown; nobody is told twice.
      log: { level: ClickHouseLogLevel.OFF },
      application: `plumbline/${options.release}`,
      request_timeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      max_open_connections: OPEN_CONNECTIONS_MAX,
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

async function createDatabase(options: ServerOptions, name: string, dialect: TableDialect): Promise<void> {
  const client = connect(options, undefined);
  try {
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(name)} ${dialect.onCluster}` });
  } catch (error) {
    throw clickHouseFault(error, `create the database ${name}`, 'server');
  } finally {
    await client.close();
  }
}

function serverDatabase(client: ClickHouseClient, dialect: TableDialect, release: string): Database {
  const insertJsonLines: Database['insertJsonLines'] = async (table, lines, token) => {
    if (lines.byteLength === 0) return;
    // Not `insert`: that takes bytes apart into objects and back. Bytes go through `exec` as they are.
    await withFaults(`insert into ${table}`, 'server', async () => {
      const { stream } = await client.exec({
        query: `INSERT INTO ${quoteIdentifier(table)} FORMAT JSONEachRow`,
        values: Readable.from([Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)], { objectMode: false }),
        clickhouse_settings: { ...insertSettings(token), wait_end_of_query: 1 },
      });
      await finished(stream.resume());
    });
  };
  return {
    kind: 'server',
    dialect,
    release,
    query: <Row>(sql: string, parameters = {}, signal?: AbortSignal) =>
      withFaults(
        'answer a query',
        'server',
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
      ),
    command: (sql, parameters = {}) =>
      withFaults('run a statement', 'server', async () => {
        await client.command({ query: sql, query_params: serverParameters(sql, parameters) });
      }),
    insert: (table, rows, token) => insertJsonLines(table, jsonLines(rows), token),
    insertJsonLines,
    ping: () =>
      withFaults('answer', 'server', async () => {
        // With a SELECT, so that credentials are checked too.
        const answer = await client.ping({ select: true });
        if (!answer.success) throw answer.error;
      }),
    announce: () => Promise.resolve(),
    close: () => client.close(),
  };
}
