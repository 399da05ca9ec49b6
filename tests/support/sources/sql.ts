/** A table of prompts in a real PostgreSQL or MariaDB, and a user who may read and update it. */

import { sqlServer, type SqlEngine, type SqlServer } from '../sql-server.ts';
import { originalText, PROMPTS, type SourceFixture, type StandIn } from './stand-in.ts';

const USER = 'plumbline';
const PASSWORD = 'correct-horse-battery';
const QUERY =
  'SELECT text AS content, version, label AS pointer, edited_by, edited_at FROM prompts WHERE name = :key -- not :this';

export interface SqlStandIn extends StandIn {
  readonly server: SqlServer;
  readonly url: string;
  readonly database: string;
  /** Runs a statement in this stand-in's database as the owner. */
  readonly run: (statement: string, ...values: unknown[]) => Promise<readonly Record<string, unknown>[]>;
}

/** What the two say differently. */
const DIALECTS = {
  postgres: {
    scheme: 'postgres',
    parameter: (index: number) => `$${index}`,
    timestamp: "timestamptz DEFAULT '2026-11-20T02:40:00Z'",
    text: 'text',
    setUp: [
      `DO $$ BEGIN CREATE ROLE ${USER} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
      `GRANT SELECT, UPDATE ON prompts TO ${USER}`,
    ],
    setPassword: (password: string) => `ALTER ROLE ${USER} PASSWORD '${password}'`,
    isExactly: (column: string, value: string) => `${column} = ${value}`,
  },
  mariadb: {
    scheme: 'mysql',
    parameter: () => '?',
    // 02:40 in UTC, said in the server's own zone.
    timestamp: "timestamp NULL DEFAULT '2026-11-20 08:10:00'",
    text: 'mediumtext',
    setUp: [
      `CREATE USER IF NOT EXISTS ${USER}@localhost`,
      `GRANT SELECT, UPDATE ON prompts TO ${USER}@localhost`,
      `GRANT SELECT, UPDATE ON hidden TO ${USER}@localhost`,
    ],
    setPassword: (password: string) => `ALTER USER ${USER}@localhost IDENTIFIED BY '${password}'`,
    // Its usual comparison takes no notice of case and spaces at the end.
    isExactly: (column: string, value: string) => `BINARY ${column} = ${value}`,
  },
};

let databases = 0;

export async function openSqlPlace(engine: SqlEngine = 'postgres', overTls = false): Promise<SqlStandIn> {
  const server = await sqlServer(engine);
  const dialect = DIALECTS[engine];
  const database = `place_${(databases += 1)}`;
  await server.run('', `CREATE DATABASE ${database}`);
  const run: SqlStandIn['run'] = (statement, ...values) => server.run(database, statement, values);
  const columns = [
    'name varchar(100) PRIMARY KEY',
    `text ${dialect.text}`,
    'version int DEFAULT 1',
    "label varchar(20) DEFAULT 'blue'",
    "edited_by varchar(20) DEFAULT 'alice'",
    `edited_at ${dialect.timestamp}`,
  ];
  await run(`CREATE TABLE prompts (${columns.join(', ')})`);
  if (engine === 'mariadb') await run('CREATE TABLE hidden LIKE prompts');
  for (const statement of [...dialect.setUp, dialect.setPassword(PASSWORD)]) await run(statement);
  if (engine === 'mariadb') await run('DROP TABLE hidden');
  const [first, second] = [dialect.parameter(1), dialect.parameter(2)];
  for (const prompt of PROMPTS)
    await run(`INSERT INTO prompts (name, text) VALUES (${first}, ${second})`, prompt, originalText(prompt));
  const set = async (prompt: string, assignments: string, ...values: unknown[]): Promise<void> => {
    const last = dialect.parameter(values.length + 1);
    await run(`UPDATE prompts SET ${assignments} WHERE name = ${last}`, ...values, prompt);
  };
  const host = overTls ? 'localhost' : '127.0.0.1';
  const url = `${dialect.scheme}://${USER}:${PASSWORD}@${host}:${server.port}/${database}`;
  const tls = overTls ? { tls: true, tls_ca_file: server.certificate } : {};
  const isExpected = dialect.isExactly('text', ':expected');
  return {
    server,
    database,
    run,
    url,
    config: {
      url,
      ...tls,
      query: QUERY,
      update: `UPDATE prompts SET text = :content, edited_by = :editor WHERE name = :key AND ${isExpected}`,
    },
    targets: PROMPTS.map((prompt) => ({ prompt, config: {} })),
    secrets: [PASSWORD],
    editor: 'mallory',
    text: async (prompt) => {
      const [row] = await run(`SELECT text FROM prompts WHERE name = ${first}`, prompt);
      return typeof row?.['text'] === 'string' ? row['text'] : '';
    },
    edit: (prompt, text) =>
      set(prompt, `text = ${first}, version = version + 1, edited_by = 'mallory', edited_at = now()`, text),
    movePointer: (prompt) => set(prompt, "label = 'green'"),
    remove: async (prompt) => {
      await run(`DELETE FROM prompts WHERE name = ${first}`, prompt);
    },
    troubles: ['gone', 'broken', 'huge', 'hangs', 'refused'],
    trouble: async (kind) => {
      if (kind === 'gone') return server.kill();
      if (kind === 'hangs') return server.freeze();
      if (kind === 'broken') return void (await run('ALTER TABLE prompts RENAME TO hidden'));
      if (kind === 'huge') return void (await run("UPDATE prompts SET text = repeat('x', 15000000)"));
      if (kind === 'refused') return void (await run(dialect.setPassword('another')));
      server.thaw();
      await server.start();
      await run(dialect.setPassword(PASSWORD));
      await run('ALTER TABLE hidden RENAME TO prompts').catch(() => undefined);
      for (const prompt of PROMPTS) await set(prompt, `text = ${first}`, originalText(prompt));
      return undefined;
    },
    close: async () => {
      server.thaw();
      await server.start();
      await run(dialect.setPassword(PASSWORD));
      await server.run('', `DROP DATABASE ${database}${engine === 'postgres' ? ' WITH (FORCE)' : ''}`);
    },
  };
}

export const sqlFixture: SourceFixture = { type: 'sql', open: () => openSqlPlace('postgres') };
/** The other engine, and the other way to both. */
export const otherSqlFixtures: Readonly<Record<string, SourceFixture>> = {
  MariaDB: { type: 'sql', open: () => openSqlPlace('mariadb') },
  'MariaDB over TLS': { type: 'sql', open: () => openSqlPlace('mariadb', true) },
  'PostgreSQL over TLS': { type: 'sql', open: () => openSqlPlace('postgres', true) },
};
