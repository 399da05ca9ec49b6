/** Restores as they were commanded and as they ended: two rows each, both kept. */

import type { Page, PageOf } from '../contract/store.ts';
import type { RestoreFilter, RestoreLog, RestoreRecord } from '../contract/restore-log.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Trail } from './audit/trail.ts';
import { decodeCursor, pageLimit, toPage } from './cursor.ts';
import type { Database, QueryParameters } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { jsonLines } from './json-lines.ts';

const BATCH_ROWS_MAX = 1_000;

interface Row {
  readonly id: string;
  readonly begun_at: Timestamp;
  readonly document: string;
}

export function createRestoreLog(database: Database, trail: Trail): RestoreLog {
  // Many may be put back at once.
  const append = groupCommit<object>(BATCH_ROWS_MAX, async (rows) => {
    await database.insertJsonLines('restores', jsonLines(rows));
    trail.stored('restore', rows);
  });
  return {
    append: async (record) => {
      const { id, target, prompt, environment, begunAt, by, result } = record;
      const document = JSON.stringify(record);
      await append([{ id, target, prompt, environment, begun_at: begunAt, by, result, document }]);
    },
    list: (filter, page) => readPage(database, filter, page),
  };
}

async function readPage(database: Database, filter: RestoreFilter, page: Page): Promise<PageOf<RestoreRecord>> {
  const limit = pageLimit(page);
  const parameters: Record<string, QueryParameters[string]> = { limit: limit + 1 };
  const conditions = ['1'];
  for (const column of ['target', 'prompt', 'environment'] as const) {
    const value = filter[column];
    if (value === undefined) continue;
    parameters[column] = value;
    conditions.push(`${column} = {${column}:String}`);
  }
  const after = decodeCursor(page, 2);
  if (after !== null) {
    conditions.push("(begun_at, id) < ({afterTime:DateTime64(9, 'UTC')}, {afterId:String})");
    Object.assign(parameters, { afterTime: after[0] ?? '', afterId: after[1] ?? '' });
  }
  const rows = await database.query<Row>(
    `SELECT id, begun_at, document FROM restores WHERE ${conditions.join(' AND ')}
     ORDER BY begun_at DESC, id DESC, result = 'begun' LIMIT 1 BY id LIMIT {limit:UInt32}`,
    parameters,
  );
  return toPage(
    rows,
    limit,
    (row) => [row.begun_at, row.id],
    (some) => some.map((row) => JSON.parse(row.document) as RestoreRecord),
  );
}
