/** The audit chain, and which batch of it each observation is in; see `src/store/audit/`. */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";

export const audit: Migration = {
  id: 19,
  name: 'audit',
  statements: ({ onCluster, engine, settings }) => [
    // The hash is part of the order: what was written twice is merged, and another entry with the same number stays.
    `CREATE TABLE IF NOT EXISTS audit_entries ${onCluster} (
      writer LowCardinality(String),
      segment LowCardinality(String),
      sequence UInt64 CODEC(Delta(8), ZSTD(1)),
      at ${TIME} CODEC(Delta(8), ZSTD(1)),
      kind LowCardinality(String),
      subject Array(String) CODEC(ZSTD(1)),
      entered LowCardinality(String),
      content_hash String CODEC(ZSTD(1)),
      -- JSON; empty where the content is a row.
      content String CODEC(ZSTD(3)),
      -- Empty for the first of a writer.
      previous_hash String CODEC(ZSTD(1)),
      hash String CODEC(ZSTD(1))
    ) ${engine('ReplacingMergeTree')} ORDER BY (segment, sequence, hash)
    SETTINGS ${settings}`,
    ...['observations', 'latest_observations'].map(
      (table) => `ALTER TABLE ${table} ${onCluster}
        ADD COLUMN IF NOT EXISTS audit_segment LowCardinality(String),
        ADD COLUMN IF NOT EXISTS audit_batch UInt64 CODEC(Delta(8), ZSTD(1))`,
    ),
  ],
};
