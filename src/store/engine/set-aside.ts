/**
 * Parts of tables that the engine found broken when it started. It goes on without them and puts them into a
 * directory `detached`, where they stay until somebody takes them away; it tells nobody.
 */

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatBytes } from '../../lib/http.ts';
import type { Database } from '../database.ts';

export interface SetAside {
  readonly table: string;
  readonly parts: number;
  readonly bytes: number;
  /** Null where a part does not tell. */
  readonly rows: number | null;
  /** Where they are, on the machine of the store. */
  readonly directory: string;
}

interface Row {
  readonly table: string;
  readonly path: string;
  readonly bytes: string;
}

/** More are not counted; the engine does not start with so many. */
const PARTS_MAX = 1_000;

export async function readSetAside(database: Database): Promise<readonly SetAside[]> {
  const found = await database.query<Row>(
    `SELECT table, path, toString(bytes_on_disk) AS bytes FROM system.detached_parts
     WHERE database = currentDatabase() AND (reason LIKE 'broken%' OR reason = 'unexpected')
     ORDER BY table, name LIMIT ${PARTS_MAX}`,
  );
  return Promise.all(
    [...Map.groupBy(found, ({ table }) => table)].map(async ([table, parts]) => {
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

async function rowsIn(part: string): Promise<number | null> {
  const text = await readFile(join(part, 'count.txt'), 'utf8').catch(() => '');
  return /^\d+$/.test(text.trim()) ? Number(text) : null;
}

export function setAsideWords({ table, parts, bytes, rows, directory }: SetAside): string {
  const what = parts === 1 ? '1 part' : `${parts} parts`;
  const many = rows === null ? 'an unknown number of rows' : rows === 1 ? '1 row' : `${rows} rows`;
  return `${what} of the table ${table} with ${many} (${formatBytes(bytes)}) ${parts === 1 ? 'was' : 'were'} found broken and set aside in ${directory}: what was in there is missing. Restore the data from a backup, or delete what is set aside and start anew.`;
}
