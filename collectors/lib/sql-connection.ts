/** One connection to PostgreSQL or MySQL, bounded in time and bytes. A time without a zone is UTC. */

import type { Duplex } from 'node:stream';
import { createConnection } from 'mysql2/promise';
import { Client, types, TypeOverrides } from 'pg';
import { Fault, isFault } from '../../src/contract/fault.ts';
import { boundedSocket, type BoundedSocket } from './bounded-socket.ts';
import { prepareStatement } from './sql-statement.ts';

export interface SqlAddress {
  readonly url: string;
  /** Null: as the address says. `ca`: the only authority that is believed. */
  readonly tls: { readonly ca?: string } | null;
}

export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlConnection {
  /** Starts a transaction; what is not committed is taken back. `read`: one moment of the database, which itself refuses writes. */
  begin(mode: 'read' | 'write'): Promise<void>;
  commit(): Promise<void>;
  /** `changed`: rows that a write touched. */
  run(
    statement: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly rows: readonly SqlRow[]; readonly changed: number }>;
  /** PostgreSQL only: hears what others `NOTIFY` to a channel, until the connection ends, and says why it did. */
  listen(channel: string, heard: (payload: string) => void): Promise<never>;
  close(): Promise<void>;
}

export function isPostgres(address: string): boolean {
  return address.startsWith('postgres');
}

export async function connectSql(address: SqlAddress, signal: AbortSignal): Promise<SqlConnection> {
  const url = new URL(address.url);
  const port = Number(url.port === '' ? (isPostgres(address.url) ? 5432 : 3306) : url.port);
  const bounded = boundedSocket(url.hostname, port, signal);
  const explained: Explained = async (question) => {
    bounded.nextAnswer();
    try {
      const result = await question();
      bounded.endAnswer();
      return result;
    } catch (error) {
      throw explain(error, url, bounded);
    }
  };
  try {
    const connect = isPostgres(address.url) ? connectPostgres : connectMysql;
    return await explained(() => connect(address, bounded, explained));
  } catch (error) {
    bounded.socket.destroy();
    throw error;
  }
}

/** Runs a question, and says in the words of a `Fault` why it failed. */
type Explained = <Result>(question: () => Promise<Result>) => Promise<Result>;

async function connectPostgres(
  { url, tls }: SqlAddress,
  bounded: BoundedSocket,
  explained: Explained,
): Promise<SqlConnection> {
  // The socket connects by itself: the driver finds it open, or opening.
  const stream = (): Duplex => Object.assign(bounded.socket, { connect: () => bounded.socket });
  const client = new Client({
    connectionString: url,
    stream,
    types: parsers,
    // The host, because the driver names none where it is an address of numbers.
    ...(tls === null ? {} : { ssl: { ...tls, host: new URL(url).hostname } }),
  });
  // A connection that breaks while nothing is asked must not end the process; the next question tells.
  client.on('error', () => undefined);
  await client.connect();
  const command = (statement: string): Promise<void> => explained(async () => void (await client.query(statement)));
  return {
    begin: (mode) => command(mode === 'read' ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN'),
    commit: () => command('COMMIT'),
    run: (statement, values) =>
      explained(async () => {
        const prepared = prepareStatement(statement, values, true);
        const result = await client.query<SqlRow>({ text: prepared.text, values: [...prepared.values] });
        return { rows: result.rows, changed: result.rowCount ?? 0 };
      }),
    listen: async (channel, heard) => {
      client.on('notification', ({ payload }) => heard(payload ?? ''));
      const ended = new Promise<never>((_resolve, reject) => {
        client.once('error', reject);
        client.once('end', () => reject(new Error('the connection ended')));
      });
      // Whichever is told first: a connection may end while it is asked.
      const listening = command(`LISTEN ${client.escapeIdentifier(channel)}`).then(() => {
        bounded.waitForNews();
        return ended;
      });
      return explained(() => Promise.race([listening, ended]));
    },
    close: async () => {
      await client.end().catch(() => undefined);
      bounded.socket.destroy();
    },
  };
}

/** The driver would take a time without a zone for one of this machine's zone. */
const parsers = new TypeOverrides();
parsers.setTypeParser(types.builtins.TIMESTAMP, (value) => `${value.replace(' ', 'T')}Z`);

async function connectMysql(
  { url, tls }: SqlAddress,
  bounded: BoundedSocket,
  explained: Explained,
): Promise<SqlConnection> {
  const connection = await createConnection({
    uri: url,
    stream: bounded.socket,
    dateStrings: false,
    timezone: 'Z',
    ...(tls === null ? {} : { ssl: { ...tls, verifyIdentity: true } }),
  });
  connection.on('error', () => undefined);
  await connection.query("SET time_zone = '+00:00'");
  const command = (statement: string): Promise<void> => explained(async () => void (await connection.query(statement)));
  return {
    begin: (mode) =>
      command(mode === 'read' ? 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY' : 'START TRANSACTION'),
    commit: () => command('COMMIT'),
    run: (statement, values) =>
      explained(async () => {
        const prepared = prepareStatement(statement, values, false);
        const [result] = await connection.query(prepared.text, [...prepared.values]);
        if (Array.isArray(result)) return { rows: result as SqlRow[], changed: result.length };
        return { rows: [], changed: result.affectedRows };
      }),
    listen: () => Promise.reject(new Fault('config', 'Only PostgreSQL has channels to listen to.')),
    close: () => Promise.resolve(connection.destroy()),
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
