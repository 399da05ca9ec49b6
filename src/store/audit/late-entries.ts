/**
 * Enters what was recorded and has no entry: because the process ended in between, there was no room, or no chain yet.
 * It is marked so, since between its record and its entry nothing would have shown that it was edited.
 */

import type { EntryDraft } from '../../audit/entry.ts';
import { ROW_KINDS, type AuditHash, type Entered, type RowKind } from '../../contract/audit.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, DAY_MS, earlierOf, timestampFromMillis } from '../../lib/time.ts';
import type { Database } from '../database.ts';
import { readBatches } from './batch-digests.ts';
import { RECORDED, rowHashSql, subjectSql } from './recorded-rows.ts';
import { batchDraft, type AuditTrail } from './trail.ts';

export interface LateOptions {
  /** What was recorded before; what comes later is entered by whoever records it. */
  readonly until: Timestamp;
  readonly entered: Entered;
  readonly signal?: AbortSignal;
}

const AT_ONCE = 2_000;
/** A batch is entered soon after it ends, so that rows without one are near the last entry of their segment. */
const AROUND_MS = 3_600_000;
const LONG_AGO = timestampFromMillis(AROUND_MS);
/** A segment that tells of its end has nothing left; of one that went without a word that is looked for so long. */
const DEAD_FOR_MS_MAX = 7 * DAY_MS;
/** Another process that has written so lately is alive. */
const ALIVE_MS = 600_000;

/** Returns how many entries it made. Rejects where the store does; what was made until then stays. */
export async function enterLateRows(database: Database, trail: AuditTrail, options: LateOptions): Promise<number> {
  await written(trail);
  let made = 0;
  for (const kind of ROW_KINDS) {
    // Those that say nothing new have no entry of their own, and batches cover them all.
    if (kind === 'observation') continue;
    for (let found = AT_ONCE; found === AT_ONCE;) {
      options.signal?.throwIfAborted();
      const drafts = await rowsWithoutEntry(database, kind, options);
      trail.enterLate(drafts);
      await written(trail);
      found = drafts.length;
      made += found;
    }
  }
  return made;
}

/** Everything that was told of is written; else it would be found missing. */
async function written(trail: AuditTrail): Promise<void> {
  await trail.flush();
  if (trail.problem !== null) throw trail.problem;
}

async function rowsWithoutEntry(
  database: Database,
  kind: RowKind,
  { until, entered }: LateOptions,
): Promise<readonly EntryDraft[]> {
  const { table, at } = RECORDED[kind];
  const rows = await database.query<{ row_subject: string[]; row_hash: string }>(
    `SELECT row_subject, row_hash FROM (
       SELECT ${subjectSql(kind)} AS row_subject, concat('sha256:', lower(hex(${rowHashSql(kind)}))) AS row_hash,
         ${at} AS row_at
       FROM ${table}
     ) WHERE row_at < {until:DateTime64(9, 'UTC')}
       AND cityHash64(row_subject) NOT IN (SELECT cityHash64(subject) FROM audit_entries WHERE kind = {kind:String})
     ORDER BY row_at LIMIT 1 BY row_subject LIMIT ${AT_ONCE}`,
    { kind, until },
  );
  return rows.map(({ row_subject: subject, row_hash: hash }) => ({
    kind,
    subject,
    entered,
    contentHash: hash as AuditHash,
    content: null,
  }));
}

/** Of processes that are no more, also of other writers. */
export async function enterLateBatches(
  database: Database,
  trail: AuditTrail,
  lastOfOwn: Timestamp | null,
  until: Timestamp,
): Promise<number> {
  const segments = await database.query<{ segment: string; writer: string; last: Timestamp }>(
    `SELECT segment, any(writer) AS writer, max(at) AS last FROM audit_entries
     WHERE segment != {own:String} GROUP BY segment HAVING countIf(kind = 'end') = 0 AND last >= {since:DateTime64(9, 'UTC')}`,
    { own: trail.segment, since: addMillis(until, -DEAD_FOR_MS_MAX) },
  );
  const isAlive = ({ writer, last }: (typeof segments)[number]): boolean =>
    writer !== trail.writer && last >= addMillis(until, -ALIVE_MS);
  const dead = segments.filter((segment) => !isAlive(segment));
  const from = addMillis(dead.map(({ last }) => last).reduce(earlierOf, lastOfOwn ?? LONG_AGO), -AROUND_MS);
  const left = await readBatches(
    database,
    `observed_at >= {from:DateTime64(9, 'UTC')} AND observed_at < {until:DateTime64(9, 'UTC')}
       AND audit_segment NOT IN {others:Array(String)}
       AND audit_segment NOT IN (SELECT segment FROM audit_entries WHERE kind = 'end')
       AND (toString(audit_segment), audit_batch) NOT IN (
         SELECT subject[1], toUInt64OrZero(subject[2]) FROM audit_entries WHERE kind = 'observations'
       )`,
    { from, until, others: ['', trail.segment, ...segments.filter(isAlive).map(({ segment }) => segment)] },
  );
  trail.enterLate(left.map((batch) => batchDraft(batch, batch, 'late')));
  await written(trail);
  return left.length;
}

/** Batches of this process of which an insert failed: whatever of it is in the store. */
export async function enterDoubtfulBatches(
  database: Database,
  trail: AuditTrail,
  batches: readonly number[],
  since: Timestamp,
): Promise<number> {
  if (batches.length === 0) return 0;
  const found = await readBatches(
    database,
    `observed_at >= {from:DateTime64(9, 'UTC')} AND audit_segment = {own:String}
       AND audit_batch IN {batches:Array(UInt64)}`,
    { from: addMillis(since, -AROUND_MS), own: trail.segment, batches },
  );
  trail.enterLate(found.map((batch) => batchDraft(batch, batch, 'late')));
  await written(trail);
  return found.length;
}
