/** Which months have no calls any more, and under which state of its hours each stands in `usage_hours`. */

import type { Timestamp } from '../../contract/time.ts';
import { timestampFromMillis } from '../../lib/time.ts';
import type { Database } from '../database.ts';

/** By month, as `toYYYYMM` writes it. */
export type DroppedMonths = ReadonlyMap<number, number>;

export async function readDroppedMonths(database: Database): Promise<DroppedMonths> {
  // Two replicas may have added up the same month: the first had all of it.
  const rows = await database.query<{ month: number; state: string }>(
    'SELECT month, argMin(state, at) AS state FROM dropped_months GROUP BY month ORDER BY month',
  );
  return new Map(rows.map(({ month, state }) => [month, Number(state)]));
}

/** Calls that began before are gone. Null: none are. */
export function endOfDropped(months: DroppedMonths): Timestamp | null {
  return months.size === 0 ? null : beginningOfMonth(Math.max(...months.keys()) + 1);
}

/** The same; null where calls of `time` are kept. */
export async function readKeptSince(database: Database, time: Timestamp): Promise<Timestamp | null> {
  const since = endOfDropped(await readDroppedMonths(database));
  return since !== null && time < since ? since : null;
}

export function monthOf(time: Timestamp): number {
  return Number(time.slice(0, 4)) * 100 + Number(time.slice(5, 7));
}

/** Also of the 13th month of a year, which is the first of the next. */
export function beginningOfMonth(month: number): Timestamp {
  return timestampFromMillis(Date.UTC(Math.floor(month / 100), (month % 100) - 1));
}
