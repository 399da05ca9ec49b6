/** Holds entries of one kind against the rows that they are about: each row altered, gone, or without an entry. */

import type { RowKind } from '../../contract/audit.ts';
import type { Timestamp } from '../../contract/time.ts';
import { FINDINGS_MAX } from '../../audit/findings.ts';
import { RECORDED, rowHashSql, subjectSql } from './recorded-rows.ts';
import type { Verifying } from './verify.ts';

/** About 300 bytes each while they are grouped. */
const SUBJECTS_AT_ONCE = 200_000;

interface Difference {
  readonly subject: readonly string[];
  readonly segment: string;
  readonly sequence: string;
  readonly entries: string;
  readonly found: string;
  readonly last_at: Timestamp;
}

export async function verifyRows(
  { database, findings, waitingFrom, waitingTo, onProgress }: Verifying,
  kind: RowKind,
): Promise<{ readonly rows: number; readonly waiting: number }> {
  const [count] = await database.query<{ entries: string }>(
    'SELECT count() AS entries FROM audit_entries WHERE kind = {kind:String}',
    { kind },
  );
  const slices = Math.ceil(Math.max(1, Number(count?.entries ?? 0)) / SUBJECTS_AT_ONCE);
  let [rows, waiting] = [0, 0];
  for (let slice = 0; slice < slices; slice++) {
    if (slices > 1) onProgress({ step: `rows: ${kind}`, done: slice, total: slices });
    const [found] = await database.query<{ subjects: string; waiting: string; total: string; different: Difference[] }>(
      differencesSql(kind),
      { kind, slices, slice, waitingFrom, waitingTo },
    );
    rows += Number(found?.subjects ?? 0);
    waiting += Number(found?.waiting ?? 0);
    for (const difference of found?.different ?? []) tell(findings, kind, difference);
    findings.total += Math.max(0, Number(found?.total ?? 0) - FINDINGS_MAX);
  }
  return { rows, waiting };
}

function differencesSql(kind: RowKind): string {
  const { table, at } = RECORDED[kind];
  // Of observations most have no entry of their own: their batches tell of what was put in.
  const among =
    kind === 'observation'
      ? `WHERE (target, part, observed_at) IN (
           SELECT subject[1], subject[2], parseDateTime64BestEffortOrZero(subject[3], 9, 'UTC')
           FROM audit_entries WHERE kind = 'observation')`
      : '';
  return `
    SELECT count() AS subjects, countIf(is_waiting) AS waiting, countIf(is_different) AS total,
      groupArrayIf(${FINDINGS_MAX})(
        CAST((row_subject, place.1, place.2, entries, found, last_at)
          AS Tuple(subject Array(String), segment String, sequence UInt64, entries UInt64, found UInt64, last_at DateTime64(9, 'UTC'))),
        is_different
      ) AS different
    FROM (
      SELECT row_subject, length(recorded) AS entries, length(present) AS found, place, last_at,
        (found = 0 OR NOT hasAll(recorded, present)) AS is_other,
        is_other AND entries = 0 AND last_at >= {waitingFrom:DateTime64(9, 'UTC')}
          AND last_at <= {waitingTo:DateTime64(9, 'UTC')} AS is_waiting,
        is_other AND NOT is_waiting AS is_different
      FROM (
        SELECT row_subject, groupUniqArrayIf(row_hash, is_entry) AS recorded, groupUniqArrayIf(row_hash, NOT is_entry) AS present,
          minIf((entry_segment, entry_sequence), is_entry) AS place, max(row_at) AS last_at
        FROM (
          SELECT subject AS row_subject, content_hash AS row_hash, true AS is_entry, at AS row_at,
            toString(segment) AS entry_segment, sequence AS entry_sequence
          FROM audit_entries WHERE kind = {kind:String}
          UNION ALL
          SELECT ${subjectSql(kind)} AS row_subject, concat('sha256:', lower(hex(${rowHashSql(kind)}))) AS row_hash,
            false AS is_entry, ${at} AS row_at, '' AS entry_segment, toUInt64(0) AS entry_sequence
          FROM ${table} ${among}
        ) WHERE cityHash64(row_subject) % {slices:UInt32} = {slice:UInt32}
        GROUP BY row_subject
      )
    )`;
}

const WORDS: Readonly<Record<RowKind, string>> = {
  version: 'version',
  pin: 'pin',
  observation: 'observation',
  incident: 'revision of an incident',
  restore: 'record of a restore',
};

function tell(findings: Verifying['findings'], kind: RowKind, difference: Difference): void {
  const { subject, segment, sequence, entries, found } = difference;
  const where = { segment: segment === '' ? null : segment, sequence: segment === '' ? null : Number(sequence) };
  const name = `The ${WORDS[kind]} ${subject.filter((part) => part !== '').join(', ')}`;
  if (Number(entries) === 0)
    findings.add({ ...where, what: 'row_without_entry', kind, subject, words: `${name} has no entry.` });
  else if (Number(found) === 0) findings.add({ ...where, what: 'row_gone', kind, subject, words: `${name} is gone.` });
  else findings.add({ ...where, what: 'row_altered', kind, subject, words: `${name} is not what was recorded.` });
}
