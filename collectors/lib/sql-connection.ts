/** One short connection to PostgreSQL or MySQL, bounded in time and bytes. */

import type { Duplex } from 'node:stream';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { Fault, isFault } from '../../src/contract/fault.ts';
import { boundedSocket, type BoundedSocket } from './bounded-socket.ts';
import { prepareStatement } from './sql-statement.ts';

export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlConnection {
  /** `changed`: rows that a write touched. */
  run(
    statement: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly rows: readonly SqlRow[]; readonly changed: number }>;
  close(): Promise<void>;
}

/** `readOnly`: the database itself refuses writes, whatever the configured statement says. */
export async function connectSql(address: string, readOnly: boolean, signal: AbortSignal): Promise<SqlConnection> {
  const url = new URL(address);
  const isPostgres = url.protocol.startsWith('postgres');
  const bounded = boundedSocket(url.hostname, Number(url.port === '' ? (isPostgres ? 5432 : 3306) : url.port), signal);
  try {
    return await (isPostgres ? connectPostgres(address, readOnly, bounded) : connectMysql(address, readOnly, bounded));
  } catch (error) {
    bounded.socket.destroy();
    throw explain(error, url, bounded);
  }
}

async function connectPostgres(address: string, readOnly: boolean, bounded: BoundedSocket): Promise<SqlConnection> {
  const url = new URL(address);
  // The socket connects by itself: the driver finds it open, or opening.
  const stream = (): Duplex => Object.assign(bounded.socket, { connect: () => bounded.socket });
  const client = new Client({ connectionString: address, stream });
  // A connection that breaks while nothing is asked must not end the process; the next question tells.
  client.on('error', () => undefined);
  await client.connect();
  await client.query(readOnly ? 'BEGIN TRANSACTION READ ONLY' : 'BEGIN');
  return {
    run: async (statement, values) => {
      const prepared = prepareStatement(statement, values, true);
      try {
        const result = await client.query<SqlRow>({ text: prepared.text, values: [...prepared.values] });
        return { rows: result.rows, changed: result.rowCount ?? 0 };
      } catch (error) {
        throw explain(error, url, bounded);
      }
    },
    close: async () => {
      await client.query('COMMIT').catch(() => undefined);
      await client.end().catch(() => undefined);
      bounded.socket.destroy();
    },
  };
}

async function connectMysql(address: string, readOnly: boolean, bounded: BoundedSocket): Promise<SqlConnection> {
  const url = new URL(address);
  const connection = await createConnection({ uri: address, stream: bounded.socket, dateStrings: false });
  connection.on('error', () => undefined);
  await connection.query(readOnly ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION');
  return {
    run: async (statement, values) => {
      const prepared = prepareStatement(statement, values, false);
      try {
        const [result] = await connection.query(prepared.text, [...prepared.values]);
        if (Array.isArray(result)) return { rows: result as SqlRow[], changed: result.length };
        return { rows: [], changed: result.affectedRows };
      } catch (error) {
        throw explain(error, url, bounded);
      }
    },
    close: async () => {
      await connection.query('COMMIT').catch(() => undefined);
      connection.destroy();
    },
  };
}

/** SQLSTATE classes that are the connection's or the server's trouble, and may pass. */
const PASSING_STATES = /^(08|53|55|57|40)/;

function explain(error: unknown, url: URL, bounded: BoundedSocket): unknown {
  const failure = bounded.failure();
  if (failure !== null) return failure;
  if (isFault(error) || !(error instanceof Error)) return error;
  const code = 'sqlState' in error ? error.sqlState : 'code' in error ? error.code : '';
  const state = typeof code === 'string' ? code : '';
  const isStatement = /^[0-9A-Z]{5}$/.test(state) && !PASSING_STATES.test(state);
  return new Fault(isStatement ? 'permanent' : 'transient', `${url.host} could not answer: ${error.message}.`, {
    hint: isStatement ? 'Check the statement and what the user may read.' : 'Check the address and the password.',
    cause: error,
  });
}
