/** How much of the disk each table takes. */

import type { Database } from './database.ts';

export interface TableSize {
  readonly table: string;
  /** Compressed, on one replica. */
  readonly bytes: number;
}

/** Of all tables, also those that are empty. */
export async function readTableSizes(database: Database): Promise<readonly TableSize[]> {
  const rows = await database.query<{ table: string; bytes: string }>(
    `SELECT name AS table, ifNull(total_bytes, 0) AS bytes FROM system.tables
     WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY table`,
  );
  return rows.map(({ table, bytes }) => ({ table, bytes: Number(bytes) }));
}
