/** Entries to rows and back, and the chains as they stand. */

import type { AuditEntry, AuditFields, AuditHash, AuditHead } from '../../contract/audit.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Database } from '../database.ts';

export interface EntryRow {
  readonly writer: string;
  readonly segment: string;
  readonly sequence: string | number;
  readonly at: Timestamp;
  readonly kind: AuditEntry['kind'];
  readonly subject: readonly string[];
  readonly entered: AuditEntry['entered'];
  readonly content_hash: string;
  readonly content: string;
  readonly previous_hash: string;
  readonly hash: string;
}

export const ENTRY_COLUMNS =
  'writer, segment, sequence, at, kind, subject, entered, content_hash, content, previous_hash, hash';

export function toEntryRow(entry: AuditEntry): EntryRow {
  const { writer, segment, sequence, at, kind, subject, entered, hash } = entry;
  return {
    writer,
    segment,
    sequence,
    at,
    kind,
    subject,
    entered,
    content_hash: entry.contentHash,
    content: entry.content === null ? '' : JSON.stringify(entry.content),
    previous_hash: entry.previousHash ?? '',
    hash,
  };
}

export function toEntry(row: EntryRow): AuditEntry {
  const { writer, segment, at, kind, subject, entered } = row;
  return {
    writer,
    segment,
    sequence: Number(row.sequence),
    at,
    kind,
    subject,
    entered,
    contentHash: row.content_hash as AuditHash,
    content: row.content === '' ? null : contentOf(row.content),
    previousHash: row.previous_hash === '' ? null : (row.previous_hash as AuditHash),
    hash: row.hash as AuditHash,
  };
}

/** Of a content that somebody broke nothing is known but that it is another. */
function contentOf(text: string): AuditFields {
  try {
    const content: unknown = JSON.parse(text);
    if (content !== null && typeof content === 'object' && Object.values(content).every(isFieldValue))
      return content as AuditFields;
  } catch {
    // As below.
  }
  return { broken: text };
}

function isFieldValue(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

/** The last entries of segments that no later segment goes on from; of one writer, or of all. */
export async function readHeads(database: Database, writer?: string): Promise<readonly AuditHead[]> {
  const rows = await database.query<Pick<EntryRow, 'writer' | 'segment' | 'sequence' | 'at' | 'hash'>>(
    `SELECT any(writer) AS writer, segment, max(sequence) AS sequence,
       argMax(at, audit_entries.sequence) AS at, argMax(hash, audit_entries.sequence) AS hash
     FROM audit_entries
     WHERE ({writer:String} = '' OR audit_entries.writer = {writer:String})
       AND segment NOT IN (SELECT subject[1] FROM audit_entries WHERE kind = 'begin' AND notEmpty(subject))
     GROUP BY segment ORDER BY at, segment`,
    { writer: writer ?? '' },
  );
  return rows.map((row) => ({
    writer: row.writer,
    segment: row.segment,
    sequence: Number(row.sequence),
    at: row.at,
    hash: row.hash as AuditHash,
  }));
}
