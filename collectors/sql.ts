/**
 * Prompts in a PostgreSQL or MySQL database, read by a configured SELECT and put back by a
 * configured UPDATE. Its columns are called `content`, and where there is more to tell `role`,
 * `version`, `pointer`, `model`, `edited_by` and `edited_at`; a time without a zone is UTC.
 */

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type {
  DiscoverPower,
  LiveContent,
  Reading,
  RestoreRequest,
  Source,
  SourceContext,
  SourceTarget,
} from '../src/contract/source.ts';
import { chatBody, textBody } from '../src/text/body.ts';
import { singleText } from './lib/chat.ts';
import { unreachable } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { connectSql, isPostgres, type SqlConnection, type SqlRow } from './lib/sql-connection.ts';
import { parameterNames } from './lib/sql-statement.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z
  .strictObject({
    url: secret()
      .refine(
        (url) => /^(postgres(ql)?|mysql):\/\//.test(url) && URL.canParse(url),
        'is no postgres:// or mysql:// address',
      )
      .describe('`postgres://user:password@host/database` or `mysql://…`.'),
    tls: z.boolean().default(false).describe('Encrypted, and only to a server whose certificate is good for its name.'),
    tls_ca_file: z
      .string()
      .min(1)
      .optional()
      .describe('The authority of that certificate, where it is no public one: a file in PEM.'),
    query: z
      .string()
      .min(1)
      .describe(
        'A SELECT with the column `content`, and `role`, `version`, `pointer`, `model`, `edited_by`, `edited_at` where there are such. With `:key`, asked for each target; without, asked once, and a column `name` tells the targets apart.',
      ),
    update: z
      .string()
      .min(1)
      .optional()
      .describe(
        'An UPDATE with `:content` and `:key`, for restore; `:version` and `:editor` are there too. With `:expected` it compares and sets; MySQL compares exactly with `BINARY text = :expected`.',
      ),
    discover: z
      .string()
      .min(1)
      .optional()
      .describe('For `discover`, where the query has `:key`: a statement that gives all keys, in a column `name`.'),
    listen: z
      .string()
      .min(1)
      .max(63)
      .optional()
      .describe(
        'A channel of PostgreSQL to which a trigger of yours notifies, so that an edit is seen at once; a key as payload names the one that changed.',
      ),
  })
  .refine(({ tls, tls_ca_file: file }) => tls || file === undefined, {
    path: ['tls_ca_file'],
    message: 'needs tls: true',
  })
  .refine(({ url, tls }) => !tls || isPostgres(url) || isIP(new URL(url).hostname) === 0, {
    path: ['url'],
    message: 'needs the name of the host for tls with MySQL, because certificates are compared with it',
  })
  .refine(({ url, listen }) => listen === undefined || isPostgres(url), {
    path: ['listen'],
    message: 'is for PostgreSQL only',
  });
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  key: z.string().min(1).optional().describe('Absent: the name of the prompt.'),
});
type Target = z.output<typeof Target>;

export const sql = sourcePlugin({
  type: 'sql',
  summary: 'A row of a PostgreSQL or MySQL database, found by a SELECT of yours.',
  config: Config,
  target: Target,
  example: {
    config: {
      url: 'postgres://plumbline:password@db.example.com/checkout',
      tls: true,
      query:
        'SELECT text AS content, version, updated_by AS edited_by, updated_at AS edited_at FROM prompts WHERE name = :key',
      update: 'UPDATE prompts SET text = :content, updated_by = :editor WHERE name = :key AND text = :expected',
      discover: 'SELECT name FROM prompts',
      listen: 'prompts_changed',
    },
    targets: [{ key: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const { update, listen } = config;
    const connect = (signal: AbortSignal): Promise<SqlConnection> => connectTo(config, context, signal);
    const canList = config.discover !== undefined || !hasKey(config.query);
    return {
      live: { read: (targets, _known, signal) => readAll(config, connect, targets, signal) },
      ...(canList ? { discover: { discover: (signal) => discover(config, connect, signal) } } : {}),
      ...(update === undefined
        ? {}
        : {
            restore: {
              form: 'write' as const,
              comparesAndSets: parameterNames(update).has('expected'),
              restore: (target, request, signal) => restore(config, connect, update, target, request, signal),
            },
          }),
      ...(listen === undefined
        ? {}
        : { watch: { watch: (targets, changed, signal) => watch(connect, listen, targets, changed, signal) } }),
    };
  },
});

function hasKey(statement: string): boolean {
  return parameterNames(statement).has('key');
}

type Connect = (signal: AbortSignal) => Promise<SqlConnection>;

async function connectTo(
  { url, tls, tls_ca_file: file }: Config,
  { baseDirectory }: SourceContext,
  signal: AbortSignal,
): Promise<SqlConnection> {
  if (!tls) return connectSql({ url, tls: null }, signal);
  if (file === undefined) return connectSql({ url, tls: {} }, signal);
  const ca = await readFile(resolve(baseDirectory, file), 'utf8').catch((cause: unknown) => {
    throw new Fault('config', `The authority ${file} can't be read.`, { cause });
  });
  return connectSql({ url, tls: { ca } }, signal);
}

async function* readAll(
  config: Config,
  connect: Connect,
  targets: readonly SourceTarget<Target>[],
  signal: AbortSignal,
): AsyncIterable<Reading> {
  const byKey = Map.groupBy(targets, keyOf);
  const connection = await connect(signal);
  try {
    for await (const [key, rows] of readRows(config, connection, [...byKey.keys()]))
      for (const target of byKey.get(key) ?? []) yield readingOf(target, rows);
  } finally {
    await connection.close();
  }
}

/** The rows of each key, none where there are none: all as they were at one moment. */
async function* readRows(
  config: Config,
  connection: SqlConnection,
  keys: readonly string[],
): AsyncIterable<readonly [key: string, rows: readonly SqlRow[]]> {
  await connection.begin('read');
  if (hasKey(config.query)) {
    // One after the other: one connection answers one question at a time.
    for (const key of keys) yield [key, (await connection.run(config.query, { key })).rows];
  } else {
    const byName = await readList(config.query, connection);
    for (const key of keys) yield [key, byName.get(key) ?? []];
  }
  await connection.commit();
}

/** The rows of a statement that lists, by their column `name`. */
async function readList(statement: string, connection: SqlConnection): Promise<ReadonlyMap<string, readonly SqlRow[]>> {
  const { rows } = await connection.run(statement, {});
  if (rows[0] !== undefined && !('name' in rows[0])) {
    throw new Fault('config', 'The statement that lists has no column "name".', { hint: 'Name it: SELECT … AS name.' });
  }
  return Map.groupBy(rows, (row) => text(row['name']) ?? '');
}

async function* discover(config: Config, connect: Connect, signal: AbortSignal): ReturnType<DiscoverPower['discover']> {
  const connection = await connect(signal);
  try {
    await connection.begin('read');
    const listed = await readList(config.discover ?? config.query, connection);
    await connection.commit();
    const found = config.discover === undefined ? listed : readRows(config, connection, [...listed.keys()]);
    for await (const [key, rows] of found) {
      const reading = readingOf({ id: key, prompt: key, config: { key } }, rows);
      if (reading.outcome === 'unreachable') throw new Fault('config', reading.reason);
      if (reading.outcome === 'held') yield { name: key, target: { key }, content: reading.contents[0] };
    }
  } finally {
    await connection.close();
  }
}

function keyOf(target: SourceTarget<Target>): string {
  return target.config.key ?? target.prompt;
}

function readingOf(target: SourceTarget<Target>, rows: readonly SqlRow[]): Reading {
  const [first] = rows;
  if (first === undefined)
    return { outcome: 'missing', target: target.id, reason: `The query finds no row for ${keyOf(target)}.` };
  if (!('content' in first)) {
    return unreachable(
      target.id,
      new Fault('config', 'The query has no column "content".', { hint: 'Name it: SELECT … AS content.' }),
    );
  }
  const body = bodyOf(rows);
  if (body === null)
    return { outcome: 'missing', target: target.id, reason: `The content of ${keyOf(target)} is NULL.` };
  const [version, pointer, model, editor] = ['version', 'pointer', 'model', 'edited_by'].map((column) =>
    text(first[column]),
  );
  const edited = first['edited_at'];
  const content: LiveContent = {
    body,
    ...(version === null || version === undefined ? {} : { version }),
    ...(pointer === null || pointer === undefined ? {} : { pointer: { name: 'pointer', value: pointer } }),
    ...(model === null || model === undefined ? {} : { settings: { model } }),
    ...(editor === null || editor === undefined ? {} : { editedBy: editor }),
    ...editedAt(edited instanceof Date ? edited.toISOString() : edited),
  };
  return { outcome: 'held', target: target.id, contents: [content] };
}

/** One row is a text; rows with a role are the messages of a chat, in their order. */
function bodyOf(rows: readonly SqlRow[]): PromptBody | null {
  const texts = rows.map((row) => text(row['content']));
  const [first = null] = texts;
  if (first === null) return null;
  if (text(rows[0]?.['role']) === null) return textBody(first);
  return chatBody(rows.map((row, index) => ({ role: text(row['role']) ?? '', content: texts[index] ?? '' })));
}

function text(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : null;
}

/**
 * The statement's own condition decides; the comparison before it only tells early. Each step is a
 * transaction, so that what is read back was written for good.
 */
async function restore(
  config: Config,
  connect: Connect,
  update: string,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<Reading> {
  const key = keyOf(target);
  const connection = await connect(signal);
  try {
    const read = async (): Promise<Reading> => {
      const [found] = await Array.fromAsync(readRows(config, connection, [key]));
      return readingOf(target, found?.[1] ?? []);
    };
    return await rewrite(target.id, request, read, async () => {
      const { expect, version, body } = request;
      await connection.begin('write');
      const { changed } = await connection.run(update, {
        key,
        content: singleText(body, target.id),
        expected: expect === null ? null : singleText(expect.body, target.id),
        version,
        editor: 'plumbline',
      });
      if (changed === 0) throw changedMeanwhile(target.id);
      await connection.commit();
    });
  } finally {
    await connection.close();
  }
}

/** A payload that is no target's key may concern any of them. */
async function watch(
  connect: Connect,
  channel: string,
  targets: readonly SourceTarget<Target>[],
  changed: (target: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const byKey = Map.groupBy(targets, keyOf);
  const connection = await connect(signal);
  try {
    await connection.listen(channel, (payload) => {
      for (const { id } of byKey.get(payload) ?? targets) changed(id);
    });
  } finally {
    await connection.close();
  }
}
