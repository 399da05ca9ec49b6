/** A real PostgreSQL, as npm can install it, behind its wire protocol. */

import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { freePort } from '../redis.ts';
import { originalText, PROMPTS, type SourceFixture, type StandIn } from './stand-in.ts';

const PASSWORD = 'correct-horse-battery';
let started: Promise<PGlite> | null = null;

/** One engine for all stand-ins of a process: starting one takes a second. */
function engine(): Promise<PGlite> {
  started ??= PGlite.create();
  return started;
}

export async function openSqlPlace(): Promise<StandIn & { readonly database: PGlite; readonly url: string }> {
  const database = await engine();
  await database.exec(`
    DROP TABLE IF EXISTS prompts, hidden;
    CREATE TABLE prompts (name text PRIMARY KEY, text text, version int DEFAULT 1, label text DEFAULT 'blue',
      edited_by text DEFAULT 'alice', edited_at timestamptz DEFAULT '2026-11-20T02:40:00Z')`);
  for (const prompt of PROMPTS)
    await database.query('INSERT INTO prompts (name, text) VALUES ($1, $2)', [prompt, originalText(prompt)]);
  const port = await freePort();
  const listen = async (): Promise<PGLiteSocketServer> => {
    const made = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port, maxConnections: 4 });
    await made.start();
    return made;
  };
  let server: PGLiteSocketServer | null = await listen();
  const url = `postgres://plumbline:${PASSWORD}@127.0.0.1:${port}/postgres?sslmode=disable`;
  const set = async (prompt: string, assignments: string, ...values: unknown[]): Promise<void> => {
    await database.query(`UPDATE prompts SET ${assignments} WHERE name = $1`, [prompt, ...values]);
  };
  return {
    database,
    url,
    config: {
      url,
      query:
        'SELECT text AS content, version, label AS pointer, edited_by, edited_at FROM prompts WHERE name = :key -- not :this',
      update: 'UPDATE prompts SET text = :content, edited_by = :editor WHERE name = :key AND text = :expected',
    },
    targets: PROMPTS.map((prompt) => ({ prompt, config: {} })),
    secrets: [PASSWORD],
    editor: 'mallory',
    text: async (prompt) => {
      const { rows } = await database.query<{ text: string }>('SELECT text FROM prompts WHERE name = $1', [prompt]);
      return rows[0]?.text ?? '';
    },
    edit: (prompt, text) => set(prompt, "text = $2, version = version + 1, edited_by = 'mallory'", text),
    movePointer: (prompt) => set(prompt, "label = 'green'"),
    remove: async (prompt) => {
      await database.query('DELETE FROM prompts WHERE name = $1', [prompt]);
    },
    troubles: ['gone', 'broken', 'huge'],
    trouble: async (kind) => {
      if (kind === 'gone') {
        await server?.stop();
        server = null;
      } else if (kind === 'broken') {
        await database.exec('ALTER TABLE prompts RENAME TO hidden');
      } else if (kind === 'huge') {
        await database.exec("UPDATE prompts SET text = repeat('x', 20000000)");
      } else {
        server ??= await listen();
        // A connection that was cut leaves its transaction to the engine, which has only one session.
        await database.exec('ROLLBACK');
        await database.exec('ALTER TABLE IF EXISTS hidden RENAME TO prompts');
        for (const prompt of PROMPTS) await set(prompt, 'text = $2', originalText(prompt));
      }
    },
    close: async () => {
      await server?.stop();
      server = null;
    },
  };
}

export const sqlFixture: SourceFixture = { type: 'sql', open: openSqlPlace };
