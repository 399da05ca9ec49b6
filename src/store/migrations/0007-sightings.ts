/** Which traces each replica has in hand, for the others; see `src/ingest/settling/sightings.ts`. */

import type { Migration } from './migration.ts';

export const sightings: Migration = {
  id: 7,
  name: 'sightings',
  statements: ({ onCluster, engine, settings }) => [
    `CREATE TABLE IF NOT EXISTS sightings ${onCluster} (
      -- By the server's clock: replicas' own may differ.
      at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
      replica String CODEC(ZSTD(1)),
      -- Counts up, so that each is read once.
      number UInt64 CODEC(Delta(8), ZSTD(1)),
      traces Array(String) CODEC(ZSTD(1)),
      keys Array(String) CODEC(ZSTD(1))
    ) ${engine('MergeTree')}
    PARTITION BY toStartOfHour(at) ORDER BY (at, replica, number)
    TTL toDateTime(at) + INTERVAL 1 HOUR
    SETTINGS index_granularity = 8, ttl_only_drop_parts = 1, ${settings}`,
  ],
};
