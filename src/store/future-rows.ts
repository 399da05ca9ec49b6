/**
 * What was written while a clock was ahead. Tables of what is newest keep the row with the latest time, so a row of
 * tomorrow would stand for everything that is seen until then. Such rows are brought back to now; the history beside
 * them stays as it was written.
 */

import type { Clock, Timestamp } from '../contract/time.ts';
import { addMillis, CLOCKS_DIFFER_MS_MAX } from '../lib/time.ts';
import type { Database } from './database.ts';
import { BASELINE_SERIES } from './telemetry/baseline-log.ts';
import { SERIES } from './telemetry/output-series.ts';

const NOW = "{now:DateTime64(9, 'UTC')}";
const LIMIT = "{limit:DateTime64(9, 'UTC')}";

interface TimedRows {
  readonly table: string;
  readonly column: string;
  /** What the newest is kept of. Of one the order stays: its last answer may be older than its last look. */
  readonly of: string;
  readonly more?: string;
}

const TABLES: readonly TimedRows[] = [
  {
    table: 'latest_observations',
    column: 'observed_at',
    of: 'target, part',
    more: `, least(asked_at, ${NOW}) AS asked_at`,
  },
  { table: 'latest_verdicts', column: 'at', of: 'target, part' },
  { table: 'output_statuses', column: 'at', of: SERIES },
  { table: 'baseline_statuses', column: 'at', of: BASELINE_SERIES },
];

/** The latest time that there was; null when none was beyond now. Safe to repeat, also after a crash in between. */
export async function bringBackFutureRows(database: Database, clock: Clock): Promise<Timestamp | null> {
  const now = clock.now();
  const limit = addMillis(now, CLOCKS_DIFFER_MS_MAX);
  let latest: Timestamp | null = null;
  for (const { table, column, of, more = '' } of TABLES) {
    const [row] = await database.query<{ newest: Timestamp | null }>(
      `SELECT maxOrNull(${column}) AS newest FROM ${table} WHERE ${column} > ${LIMIT}`,
      { limit },
    );
    const newest = row?.newest ?? null;
    if (newest === null) continue;
    if (latest === null || newest > latest) latest = newest;
    await database.command(
      `INSERT INTO ${table} SELECT * REPLACE (${inOrder(of, column)} AS ${column}${more})
       FROM (SELECT * FROM ${table} FINAL WHERE ${column} > ${LIMIT})`,
      { now, limit },
    );
    await database.command(`ALTER TABLE ${table} DELETE WHERE ${column} > ${LIMIT} SETTINGS mutations_sync = 2`, {
      limit,
    });
  }
  return latest;
}

function inOrder(of: string, column: string): string {
  return `${NOW} - toIntervalNanosecond(row_number() OVER (PARTITION BY ${of} ORDER BY ${column} DESC) - 1)`;
}
