/**
 * Lets go of old calls by whole months, with the facts they were settled from, the texts that only they refer to, and
 * what is noted of their outputs. Dropping a partition costs nothing, whatever is in it; deleting rows would write all
 * others again. What a month cost stays: its usage is added up before, by the hour, and is from then on what
 * `usage-hours.ts` answers with.
 */

import type { DropProgress, RetentionLog } from '../../contract/retention-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, DAY_MS } from '../../lib/time.ts';
import { NO_TRAIL, type Trail } from '../audit/trail.ts';
import type { Database } from '../database.ts';
import { beginningOfMonth, monthOf, readDroppedMonths } from './dropped-months.ts';
import { keepSums } from './usage-hours.ts';

/**
 * For so long after the calls of a month are gone what they refer to stays. Longer than a content that is in use
 * goes without being stored again (`STORED_AGAIN_MS` in `src/ingest/content/outbox.ts`), with a few days for clocks of
 * senders that are ahead: a call may have been received before it began.
 */
const REFERRED_TO_MS = 10 * DAY_MS;

/** By the hour in which a call began; they end by themselves after two months. */
const TABLES_OF_OUTPUTS = ['output_samples', 'output_hours'] as const;
const CONTENT_TABLES = ['call_texts', 'call_lists', 'call_variables'] as const;

export function createRetentionLog(database: Database, trail: Trail = NO_TRAIL): RetentionLog {
  return {
    dropBefore: async (time, progress = {}) => {
      const { signal } = progress;
      const known = await readDroppedMonths(database);
      const stored = (await partitionsOf(database, 'invocations')).map(Number);
      const end = monthOf(time);
      const next = stored.find((month) => month < end && !known.has(month));
      const onDropped: DropProgress['onDropped'] = (month) => {
        trail.letGo({ calls_from: month.from, calls: String(month.calls) });
        progress.onDropped?.(month);
      };
      if (next !== undefined) await dropMonth(database, next, { ...progress, onDropped });
      // What came too late of those that were dropped before.
      for (const month of stored.filter((each) => each < end && known.has(each))) {
        signal?.throwIfAborted();
        await dropPartition(database, 'invocations', String(month));
      }
      const since = beginningOfMonth(Math.min(end, ...stored.filter((month) => month !== next && !known.has(month))));
      await deleteFromQuarantine(database, since);
      await dropWhatTheyReferredTo(database, since, signal);
    },
  };
}

async function dropMonth(
  database: Database,
  month: number,
  { signal, onBegin, onDropped }: DropProgress,
): Promise<void> {
  const from = beginningOfMonth(month);
  onBegin?.({ from });
  const { state, calls } = await keepSums(database, month, signal);
  // From here on the month is what was added up. If this process ends now, the next has only to drop it.
  await database.insert('dropped_months', [{ month, state }]);
  signal?.throwIfAborted();
  await dropPartition(database, 'invocations', String(month));
  onDropped?.({ from, calls });
}

/** And what was noted of their outputs. Also what an earlier run, that was cut off, left behind. */
async function dropWhatTheyReferredTo(
  database: Database,
  callsSince: Timestamp,
  signal: AbortSignal | undefined,
): Promise<void> {
  const since = addMillis(callsSince, -REFERRED_TO_MS);
  const firstDay = Number(since.slice(0, 10).replaceAll('-', ''));
  const tables = [
    ['span_facts', firstDay],
    ...CONTENT_TABLES.map((table) => [table, monthOf(since)] as const),
    ...TABLES_OF_OUTPUTS.map((table) => [table, monthOf(callsSince)] as const),
  ] as const;
  for (const [table, first] of tables) {
    for (const id of await partitionsOf(database, table)) {
      signal?.throwIfAborted();
      if (Number(id) < first) await dropPartition(database, table, id);
    }
  }
}

/** It has parts of calls as they came, and few rows: they may be written again. */
async function deleteFromQuarantine(database: Database, before: Timestamp): Promise<void> {
  const isBefore = "at < {before:DateTime64(9, 'UTC')}";
  const rows = await database.query(`SELECT id FROM quarantine WHERE ${isBefore} LIMIT 1`, { before });
  if (rows.length > 0) await database.command(`ALTER TABLE quarantine DELETE WHERE ${isBefore}`, { before });
}

/** Their ids, which are the digits of what the table is partitioned by; oldest first. */
async function partitionsOf(database: Database, table: string): Promise<readonly string[]> {
  const rows = await database.query<{ id: string }>(
    `SELECT DISTINCT partition_id AS id FROM system.parts
     WHERE database = currentDatabase() AND table = {table:String} AND active ORDER BY id`,
    { table },
  );
  return rows.map(({ id }) => id);
}

/** A replicated table tells its replicas by itself. A server refuses to drop more than 50 GB unless it is told. */
async function dropPartition(database: Database, table: string, id: string): Promise<void> {
  await database.command(`ALTER TABLE ${table} DROP PARTITION ID '${id}' SETTINGS max_partition_size_to_drop = 0`);
}
