/** Restores that were commanded, from before they are written to what came of them. */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";

export const restores: Migration = {
  id: 3,
  name: 'restores',
  statements: ({ onCluster, engine, settings }) => [
    `CREATE TABLE IF NOT EXISTS restores ${onCluster} (
      id String,
      target String,
      prompt String,
      environment LowCardinality(String),
      begun_at ${TIME},
      by String,
      result LowCardinality(String),
      document String CODEC(ZSTD(3))
    ) ${engine('ReplacingMergeTree')} ORDER BY (begun_at, id, result)
    SETTINGS ${settings}`,
  ],
};
