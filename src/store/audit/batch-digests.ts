/** Digests of batches of observations as they stand in the store: what `ObservationBatches` made of them when they came. */

import type { Timestamp } from '../../contract/time.ts';
import type { Database, QueryParameters } from '../database.ts';
import { rowHashSql } from './recorded-rows.ts';
import type { BatchDigest } from './trail.ts';

export interface StoredBatch extends BatchDigest {
  readonly segment: string;
  readonly batch: number;
}

/** `where`: of observations, in SQL. What it holds must fit into memory: 100 bytes a row. */
export async function readBatches(
  database: Database,
  where: string,
  parameters: QueryParameters,
): Promise<readonly StoredBatch[]> {
  // A hash may end in zero bytes, which `toString` takes for padding.
  const rows = await database.query<{
    segment: string;
    batch: string;
    rows: string;
    first: Timestamp;
    last: Timestamp;
    digest: string;
  }>(
    `SELECT audit_segment AS segment, audit_batch AS batch, length(hashes) AS rows, first, last,
       lower(hex(SHA256(arrayStringConcat(hashes)))) AS digest
     FROM (
       SELECT audit_segment, audit_batch, min(observed_at) AS first, max(observed_at) AS last,
         arraySort(groupUniqArray(concat(${rowHashSql('observation')}, ''))) AS hashes
       FROM observations WHERE ${where} GROUP BY audit_segment, audit_batch
     ) ORDER BY first, segment, batch`,
    parameters,
  );
  return rows.map(({ segment, batch, rows: count, first, last, digest }) => ({
    segment,
    batch: Number(batch),
    rows: Number(count),
    from: first,
    to: last,
    digest: `sha256:${digest}`,
  }));
}
