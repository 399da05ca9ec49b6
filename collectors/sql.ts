/**
 * Prompts in a PostgreSQL or MySQL database, read by a configured SELECT and put back by a
 * configured UPDATE. Its columns are called `content`, and where there is more to tell `role`,
 * `version`, `pointer`, `model`, `edited_by` and `edited_at`.
 */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { chatBody, textBody } from '../src/text/body.ts';
import { singleText } from './lib/chat.ts';
import { unreachable } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { connectSql, type SqlConnection, type SqlRow } from './lib/sql-connection.ts';
import { parameterNames } from './lib/sql-statement.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  /** `postgres://user:password@host/database` or `mysql://…`. */
  url: secret().refine(
    (url) => /^(postgres(ql)?|mysql):\/\//.test(url) && URL.canParse(url),
    'is no postgres:// or mysql:// address',
  ),
  /** With `:key`, asked for each target. Without, asked once, and a column `name` tells the targets apart. */
  query: z.string().min(1),
  /** With `:content` and `:key`, and `:expected` to compare and set. */
  update: z.string().min(1).optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  /** Absent: the name of the prompt. */
  key: z.string().min(1).optional(),
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
      query:
        'SELECT text AS content, version, updated_by AS edited_by, updated_at AS edited_at FROM prompts WHERE name = :key',
      update: 'UPDATE prompts SET text = :content, updated_by = :editor WHERE name = :key AND text = :expected',
    },
    targets: [{ key: 'intent-classifier' }],
  },
  create: (config): Source<Target> => ({
    live: { read: (targets, _known, signal) => readAll(config, targets, signal) },
    ...(config.update === undefined
      ? {}
      : {
          restore: {
            form: 'write' as const,
            comparesAndSets: parameterNames(config.update).has('expected'),
            restore: (target, request, signal) => restore(config, config.update ?? '', target, request, signal),
          },
        }),
  }),
});

async function* readAll(
  config: Config,
  targets: readonly SourceTarget<Target>[],
  signal: AbortSignal,
): AsyncIterable<Reading> {
  const connection = await connectSql(config.url, true, signal);
  try {
    if (!parameterNames(config.query).has('key')) {
      const { rows } = await connection.run(config.query, {});
      const byName = Map.groupBy(rows, (row) => text(row['name']) ?? '');
      for (const target of targets) yield readingOf(target, byName.get(keyOf(target)) ?? []);
      return;
    }
    // One after the other: one connection answers one question at a time.
    for (const target of targets) yield await readOne(config, connection, target);
  } finally {
    await connection.close();
  }
}

async function readOne(config: Config, connection: SqlConnection, target: SourceTarget<Target>): Promise<Reading> {
  const { rows } = await connection.run(config.query, { key: keyOf(target) });
  return readingOf(target, rows);
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

async function restore(
  config: Config,
  update: string,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<Reading> {
  const connection = await connectSql(config.url, false, signal);
  try {
    const { expect } = request;
    const read = async (): Promise<Reading> => readOneOf(config, connection, target);
    return await rewrite(target.id, request, read, async () => {
      const { changed } = await connection.run(update, {
        key: keyOf(target),
        content: singleText(request.body, target.id),
        expected: expect === null ? null : singleText(expect.body, target.id),
        version: request.version,
        editor: 'plumbline',
      });
      if (changed === 0) throw changedMeanwhile(target.id);
    });
  } finally {
    await connection.close();
  }
}

/** Reads one target, also where the query lists all. */
async function readOneOf(config: Config, connection: SqlConnection, target: SourceTarget<Target>): Promise<Reading> {
  if (parameterNames(config.query).has('key')) return readOne(config, connection, target);
  const { rows } = await connection.run(config.query, {});
  return readingOf(
    target,
    rows.filter((row) => text(row['name']) === keyOf(target)),
  );
}
