/** Real SQL servers for tests: one of each kind for a test file, with a database of its own for whoever asks. */

import type { ChildProcess } from 'node:child_process';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import { endServer, freePort, prepareServer, spawnServer, unprivilegedUser } from './server-process.ts';

export type SqlEngine = 'postgres' | 'mariadb';

export interface SqlServer {
  readonly engine: SqlEngine;
  readonly port: number;
  /** Its own authority: it also speaks TLS, as `localhost`. */
  readonly certificate: string;
  /** A session of the owner of everything. */
  connect(database: string): Promise<SqlSession>;
  /** One statement of the owner in a session of its own. */
  run(database: string, statement: string, values?: readonly unknown[]): Promise<SqlRows>;
  /** Ends it as a crash would; `start` brings it back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops it from answering without closing its connections; `thaw` lets it go on. */
  freeze(): void;
  thaw(): void;
}

export interface SqlSession {
  run(statement: string, values?: readonly unknown[]): Promise<SqlRows>;
  end(): Promise<void>;
}

type SqlRows = readonly Readonly<Record<string, unknown>>[];

const OWNER = { user: 'root', password: 'owner-of-everything' };
const HOST = '127.0.0.1';
/** Where no test runs, so that a time that is read in the wrong zone shows. */
const TIME_ZONE = { postgres: 'Asia/Kolkata', mariadb: '+05:30' };

const started = new Map<SqlEngine, Promise<SqlServer & { readonly stop: () => Promise<void> }>>();

/** Starts it when it is first asked for; it ends with the test file. */
export function sqlServer(engine: SqlEngine): Promise<SqlServer> {
  const found = started.get(engine);
  if (found !== undefined) return found;
  const starting = engine === 'postgres' ? startPostgres() : startMariadb();
  started.set(engine, starting);
  return starting;
}

afterAll(async () => {
  for (const server of started.values()) await (await server.catch(() => null))?.stop();
  started.clear();
});

async function startPostgres() {
  const debian = 'postgresql';
  const uid = unprivilegedUser();
  const directory = await mkdtemp(join(tmpdir(), 'plumbline-postgres-'));
  const data = join(directory, 'data');
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, OWNER.password);
  const { certificate, key } = makeCertificate(directory);
  if (uid !== undefined) for (const path of [directory, passwordFile, certificate, key]) await chown(path, uid, uid);
  const made = ['-D', data, '-U', OWNER.user, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  prepareServer({ program: 'initdb', debian, args: [...made, '--no-sync', '--no-locale', '-E', 'UTF8'], uid });
  const port = await freePort();
  const settings = {
    listen_addresses: HOST,
    unix_socket_directories: directory,
    fsync: 'off',
    timezone: TIME_ZONE.postgres,
    ssl: 'on',
    ssl_cert_file: certificate,
    ssl_key_file: key,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return serve('postgres', port, directory, {
    program: 'postgres',
    debian,
    args: ['-D', data, '-p', String(port), ...args],
    ready: 'database system is ready to accept connections',
    uid,
    connect: async (database) => {
      const client = new Client({ host: HOST, port, ...OWNER, database: database === '' ? 'postgres' : database });
      client.on('error', () => undefined);
      await client.connect();
      return {
        run: async (statement, values = []) =>
          (await client.query<Record<string, unknown>>(statement, [...values])).rows,
        end: () => client.end(),
      };
    },
  });
}

async function startMariadb() {
  const directory = await mkdtemp(join(tmpdir(), 'plumbline-mariadb-'));
  const data = join(directory, 'data');
  await mkdir(data);
  const { certificate, key } = makeCertificate(directory);
  const owner = join(directory, 'owner.sql');
  await writeFile(owner, `ALTER USER root@localhost IDENTIFIED BY '${OWNER.password}';`);
  // MariaDB lets root start it, if root says so.
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const port = await freePort();
  const made = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
  prepareServer({
    program: 'mariadb-install-db',
    debian: 'mariadb-server-core mariadb-client-core',
    args: ['--no-defaults', `--datadir=${data}`, ...made, ...user],
  });
  const files = [`--datadir=${data}`, `--socket=${join(directory, 'socket')}`, `--init-file=${owner}`];
  // As Debian's own settings say, which are not read here.
  const limits = [
    '--character-set-server=utf8mb4',
    '--max-allowed-packet=64M',
    '--innodb-flush-log-at-trx-commit=2',
    `--default-time-zone=${TIME_ZONE.mariadb}`,
    `--ssl-cert=${certificate}`,
    `--ssl-key=${key}`,
  ];
  return serve('mariadb', port, directory, {
    program: 'mariadbd',
    debian: 'mariadb-server-core',
    args: ['--no-defaults', ...files, `--bind-address=${HOST}`, `--port=${port}`, ...limits, ...user],
    ready: 'ready for connections',
    connect: async (database) => {
      const options = { host: HOST, port, ...OWNER, ...(database === '' ? {} : { database }) };
      const connection = await createConnection(options);
      connection.on('error', () => undefined);
      return {
        run: async (statement, values = []) => {
          const [rows] = await connection.query(statement, [...values]);
          return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
        },
        end: () => connection.end(),
      };
    },
  });
}

/** Signed by itself, so that it is its own authority. */
function makeCertificate(directory: string): { readonly certificate: string; readonly key: string } {
  const [certificate, key] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', key, '-out', certificate];
  const how = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  prepareServer({ program: 'openssl', debian: 'openssl', args: ['req', ...how, ...subject, ...files] });
  return { certificate, key };
}

type Program = Parameters<typeof spawnServer>[0] & Pick<SqlServer, 'connect'>;

async function serve(engine: SqlEngine, port: number, directory: string, { connect, ...program }: Program) {
  let child: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    child = await spawnServer(program);
  };
  const kill = async (): Promise<void> => {
    // PostgreSQL's other processes end with SIGQUIT only; to MariaDB nothing else is a crash.
    await endServer(child, engine === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    child = null;
  };
  await start();
  return {
    engine,
    port,
    certificate: join(directory, 'certificate.pem'),
    connect,
    run: async (database: string, statement: string, values: readonly unknown[] = []) => {
      const session = await connect(database);
      try {
        return await session.run(statement, values);
      } finally {
        await session.end();
      }
    },
    kill,
    start: async () => {
      if (child === null) await start();
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    stop: async () => {
      child?.kill('SIGCONT');
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
