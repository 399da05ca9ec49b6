/** The observations of a batch one by one, so that whoever has its entry can make the digest of it anew. */

import type { AuditEntry, AuditFields } from '../../contract/audit.ts';
import type { Page, PageOf } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { decodeCursor, pageLimit, toPage } from '../cursor.ts';
import type { Database } from '../database.ts';
import { fieldsOfValues, fieldValuesSql, rowHashSql } from './recorded-rows.ts';

interface Row {
  readonly at: Timestamp;
  readonly row_hash: string;
  readonly row_values: (string | null)[];
}

/** Each once, in the order of time. Null where the entry is none of a batch. */
export async function readBatchRows(
  database: Database,
  place: Pick<AuditEntry, 'segment' | 'sequence'>,
  page: Page,
): Promise<PageOf<AuditFields> | null> {
  const [entry] = await database.query<{ subject: readonly string[] }>(
    `SELECT subject FROM audit_entries
     WHERE segment = {segment:String} AND sequence = {sequence:UInt64} AND kind = 'observations' LIMIT 1`,
    place,
  );
  if (entry === undefined) return null;
  const [segment = '', batch = '', , from = '', to = ''] = entry.subject;
  const [afterTime, afterHash = ''] = decodeCursor(page, 2) ?? [from];
  const limit = pageLimit(page);
  const rows = await database.query<Row>(
    `SELECT observed_at AS at, lower(hex(${rowHashSql('observation')})) AS row_hash,
       ${fieldValuesSql('observation')} AS row_values
     FROM observations
     WHERE observed_at >= {after:DateTime64(9, 'UTC')} AND observed_at <= {to:DateTime64(9, 'UTC')}
       AND audit_segment = {segment:String} AND audit_batch = {batch:UInt64}
       AND (observed_at, row_hash) > ({after:DateTime64(9, 'UTC')}, {afterHash:String})
     ORDER BY at, row_hash LIMIT 1 BY row_hash LIMIT {limit:UInt32}`,
    { after: afterTime ?? from, to, segment, batch, afterHash, limit: limit + 1 },
  );
  return toPage(
    rows,
    limit,
    (row) => [row.at, row.row_hash],
    (some) => some.map(({ row_values: values }) => fieldsOfValues('observation', values)),
  );
}
