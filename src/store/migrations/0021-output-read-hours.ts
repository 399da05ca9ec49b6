/** Which hours were read for their outputs, and in which state; see `src/store/telemetry/output-hours.ts`. */

import type { Migration } from './migration.ts';

export const outputReadHours: Migration = {
  id: 21,
  name: 'output-read-hours',
  statements: ({ onCluster, engine, settings }) => [
    // The state is how many rows were ever written for calls of the hour, as `usage_changes` has it.
    `CREATE TABLE IF NOT EXISTS output_read_hours ${onCluster} (
      features_id UInt16,
      hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
      rows UInt64 CODEC(ZSTD(1))
    ) ${engine('ReplacingMergeTree', 'rows')} ORDER BY (features_id, hour)
    TTL hour + INTERVAL 60 DAY SETTINGS ${settings}`,
    // Up to when all hours were read: what came late was not looked at.
    `DROP TABLE IF EXISTS output_reads ${onCluster}`,
  ],
};
