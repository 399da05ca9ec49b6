/** What is known of means that the registry declares; see `src/store/telemetry/baseline-log.ts`. */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";

export const baselines: Migration = {
  id: 22,
  name: 'baselines',
  statements: ({ onCluster, engine, settings }) => [
    // The newest of each. Of a version that is not called any more it goes after a year.
    `CREATE TABLE IF NOT EXISTS baseline_statuses ${onCluster} (
      prompt LowCardinality(String),
      environment LowCardinality(String),
      version LowCardinality(String),
      metric LowCardinality(String),
      at ${TIME} CODEC(Delta(8), ZSTD(1)),
      state LowCardinality(String),
      document String CODEC(ZSTD(3))
    ) ${engine('ReplacingMergeTree', 'at')} ORDER BY (prompt, environment, version, metric)
    TTL toDateTime(at) + INTERVAL 400 DAY SETTINGS ${settings}`,
  ],
};
