/**
 * What was written while a clock was ahead. Tables of what is newest keep the row with the latest time, so a row of
 * tomorrow would stand for everything that is seen until then. Such rows are brought back to now; the history beside
 * them stays as it was written.
 */

import type { Clock, Timestamp } from '../contract/time.ts';
import { addMillis, CLOCKS_DIFFER_MS_MAX } from '../lib/time.ts';
import type { Database } from './database.ts';

const NOW = "{now:DateTime64(9, 'UTC')}";
const LIMIT = "{limit:DateTime64(9, 'UTC')}";

/** Of one part the order stays: its last answer may be older than its last look. */
const inOrder = (column: string): string =>
  `${NOW} - toIntervalNanosecond(row_number() OVER (PARTITION BY target, part ORDER BY ${column} DESC) - 1)`;

const TABLES = [
  { table: 'latest_observations', column: 'observed_at', more: `, least(asked_at, ${NOW}) AS asked_at` },
  { table: 'latest_verdicts', column: 'at', more: '' },
];

/** The latest time that there was; null when none was beyond now. Safe to repeat, also after a crash in between. */
export async function bringBackFutureRows(database: Database, clock: Clock): Promise<Timestamp | null> {
  const now = clock.now();
  const limit = addMillis(now, CLOCKS_DIFFER_MS_MAX);
  let latest: Timestamp | null = null;
  for (const { table, column, more } of TABLES) {
    const [row] = await database.query<{ newest: Timestamp | null }>(
      `SELECT maxOrNull(${column}) AS newest FROM ${table} WHERE ${column} > ${LIMIT}`,
      { limit },
    );
    const newest = row?.newest ?? null;
    if (newest === null) continue;
    if (latest === null || newest > latest) latest = newest;
    await database.command(
      `INSERT INTO ${table} SELECT * REPLACE (${inOrder(column)} AS ${column}${more})
       FROM (SELECT * FROM ${table} FINAL WHERE ${column} > ${LIMIT})`,
      { now, limit },
    );
    await database.command(`ALTER TABLE ${table} DELETE WHERE ${column} > ${LIMIT} SETTINGS mutations_sync = 2`, {
      limit,
    });
  }
  return latest;
}
