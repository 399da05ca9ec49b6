/**
 * Parts of tables that the engine found broken when it started. It goes on without them and puts them into a
 * directory `detached`, where they stay until somebody takes them away; it tells nobody. Not told of either is one
 * whose rows are there all the same: what is merged is not on the disk at once, and until it surely is the engine keeps
 * what it was merged from, for when the machine ends in between.
 */

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatBytes } from '../../lib/http.ts';
import type { Database } from '../database.ts';
import { quoteText } from './sql-literals.ts';
import { quoteIdentifier } from './table-dialect.ts';

export interface SetAside {
  readonly table: string;
  readonly parts: number;
  readonly bytes: number;
  /** Null where a part does not tell. */
  readonly rows: number | null;
  /** Where they are, on the machine of the store. */
  readonly directory: string;
}

interface Part {
  readonly table: string;
  readonly name: string;
  readonly partition: string | null;
  /** Which inserts it holds the rows of: the engine numbers them. Null for a directory whose name does not tell. */
  readonly first: string | null;
  readonly last: string | null;
  /** In seconds. */
  readonly made: number;
}

interface BrokenPart extends Part {
  readonly path: string;
  readonly bytes: string;
}

/** More are not counted; the engine does not start with so many. */
const PARTS_MAX = 1_000;

export async function readSetAside(database: Database): Promise<readonly SetAside[]> {
  const broken = await brokenParts(database);
  const missing = broken.filter(({ isRepeated }) => !isRepeated).map(({ part }) => part);
  return Promise.all(
    [...Map.groupBy(missing, ({ table }) => table)].map(async ([table, parts]) => {
      const rows = database.kind === 'embedded' ? await Promise.all(parts.map(({ path }) => rowsIn(path))) : [null];
      return {
        table,
        parts: parts.length,
        bytes: parts.reduce((sum, { bytes }) => sum + Number(bytes), 0),
        rows: rows.reduce((sum, count) => (sum === null || count === null ? null : sum + count), 0),
        directory: dirname(parts[0]?.path ?? ''),
      };
    }),
  );
}

/**
 * Deletes those of which every row is there still. To be called before the engine has merged much: what replaces the
 * parts that are there now is not known to hold the same.
 */
export async function dropRepeated(database: Database): Promise<void> {
  for (const { part, isRepeated } of await brokenParts(database)) {
    if (!isRepeated) continue;
    const drop = `ALTER TABLE ${quoteIdentifier(part.table)} DROP DETACHED PART ${quoteText(part.name)}`;
    await database.command(`${drop} SETTINGS allow_drop_detached = 1`);
  }
}

async function brokenParts(database: Database): Promise<{ part: BrokenPart; isRepeated: boolean }[]> {
  const columns = `table, name, partition_id AS partition, min_block_number AS first, max_block_number AS last,
    toUnixTimestamp(modification_time) AS made`;
  const broken = await database.query<BrokenPart>(
    `SELECT ${columns}, path, toString(bytes_on_disk) AS bytes FROM system.detached_parts
     WHERE database = currentDatabase() AND (reason LIKE 'broken%' OR reason = 'unexpected')
     ORDER BY table, name LIMIT ${PARTS_MAX}`,
  );
  if (broken.length === 0) return [];
  const whole = await database.query<Part>(
    `SELECT ${columns} FROM system.parts WHERE database = currentDatabase() AND active AND (table, partition_id) IN
     (SELECT table, ifNull(partition_id, '') FROM system.detached_parts WHERE database = currentDatabase())`,
  );
  return broken.map((part) => ({ part, isRepeated: isHeldBy(whole, part) }));
}

/**
 * Whether older parts, of which no two overlap, hold every insert that is in it. A younger one may have been merged
 * from its neighbours, without it, and is named as if it held all between them.
 */
function isHeldBy(whole: readonly Part[], { table, partition, first, last, made }: Part): boolean {
  if (first === null || last === null) return false;
  const held = whole
    .filter((other) => other.table === table && other.partition === partition && other.made <= made)
    .map((other) => Math.min(Number(last), Number(other.last)) - Math.max(Number(first), Number(other.first)) + 1)
    .reduce((sum, inserts) => sum + Math.max(0, inserts), 0);
  return held >= Number(last) - Number(first) + 1;
}

async function rowsIn(part: string): Promise<number | null> {
  const text = await readFile(join(part, 'count.txt'), 'utf8').catch(() => '');
  return /^\d+$/.test(text.trim()) ? Number(text) : null;
}

export function setAsideWords({ table, parts, bytes, rows, directory }: SetAside): string {
  const what = parts === 1 ? '1 part' : `${parts} parts`;
  const many = rows === null ? 'an unknown number of rows' : rows === 1 ? '1 row' : `${rows} rows`;
  return `${what} of the table ${table} with ${many} (${formatBytes(bytes)}) ${parts === 1 ? 'was' : 'were'} found broken and set aside in ${directory}: what was in there is missing. Restore the data from a backup, or delete what is set aside and start anew.`;
}
