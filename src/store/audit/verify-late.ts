/**
 * What was entered late, and when it was recorded: a row that somebody puts in by hand is found without an entry by the
 * next start, and gets one. Where nobody can have left it without one, that is told.
 */

import { AROUND_MS, wereWrittenThen, type WrittenSegment } from '../../audit/written-then.ts';
import { ROW_KINDS, type AuditKind, type RowKind } from '../../contract/audit.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Database } from '../database.ts';
import { RECORDED, subjectSql } from './recorded-rows.ts';
import type { Verifying } from './verify.ts';

/** Those that were recorded first. */
const LATE_MAX = 10_000;

interface LateEntry {
  readonly segment: string;
  readonly sequence: string;
  readonly subject: readonly string[];
  readonly entered_at: Timestamp;
  readonly recorded_at: Timestamp;
}

export async function verifyLate({ database, findings }: Verifying): Promise<void> {
  const segments = await readSegments(database);
  for (const kind of [...ROW_KINDS, 'observations'] as const) {
    const late = await database.query<LateEntry>(lateSql(kind), { kind });
    for (const { segment, sequence, subject, entered_at: enteredAt, recorded_at: recordedAt } of late) {
      if (!wereWrittenThen(recordedAt, segments)) continue;
      const words = `The ${wordOf(kind)} ${subject.filter((part) => part !== '').join(', ')}, recorded ${recordedAt}, had no entry then, though the chain was being written; it got one ${enteredAt}.`;
      findings.add({ what: 'row_without_entry', segment, sequence: Number(sequence), kind, subject, words });
    }
  }
}

function wordOf(kind: AuditKind): string {
  return kind === 'observations' ? 'batch of observations' : kind;
}

async function readSegments(database: Database): Promise<readonly WrittenSegment[]> {
  const rows = await database.query<{ writer: string; first: Timestamp; last: Timestamp; ends: string }>(
    `SELECT any(writer) AS writer, min(at) AS first, max(at) AS last, countIf(kind = 'end') AS ends
     FROM audit_entries GROUP BY segment`,
  );
  return rows.map(({ writer, first, last, ends }) => ({ writer, first, last, hasEnded: Number(ends) > 0 }));
}

/** But those that the process entered that recorded them. */
function lateSql(kind: RowKind | 'observations'): string {
  const late = `SELECT segment, sequence, subject, at FROM audit_entries
    WHERE kind = {kind:String} AND entered = 'late' LIMIT 1 BY segment, sequence`;
  const begun = 'SELECT segment, min(audit_entries.at) AS begun FROM audit_entries GROUP BY segment';
  const recorded =
    kind === 'observations'
      ? `SELECT cityHash64(subject) AS row_key, max(parseDateTime64BestEffortOrZero(subject[5], 9, 'UTC')) AS row_at
         FROM (${late}) GROUP BY row_key`
      : `SELECT cityHash64(${subjectSql(kind)}) AS row_key, max(${RECORDED[kind].at}) AS row_at
         FROM ${RECORDED[kind].table} WHERE row_key IN (SELECT cityHash64(subject) FROM (${late})) GROUP BY row_key`;
  return `
    SELECT toString(late.segment) AS segment, late.sequence AS sequence, late.subject AS subject, late.at AS entered_at,
      recorded.row_at AS recorded_at
    FROM (${late}) AS late
    INNER JOIN (${recorded}) AS recorded ON recorded.row_key = cityHash64(late.subject)
    INNER JOIN (${begun}) AS begins ON begins.segment = late.segment
    WHERE recorded.row_at < begins.begun - INTERVAL ${AROUND_MS / 1_000} SECOND
    ORDER BY recorded_at LIMIT ${LATE_MAX}`;
}
