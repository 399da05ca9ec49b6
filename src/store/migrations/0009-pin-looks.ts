/** When pins were looked at and had not moved, and when the look began that saw one move. */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";

export const pinLooks: Migration = {
  id: 9,
  name: 'pin-looks',
  statements: ({ onCluster, engine, settings }) => [
    `CREATE TABLE IF NOT EXISTS pin_looks ${onCluster} (
      rule LowCardinality(String),
      -- When the look began, and since when that is known.
      looked_at ${TIME} CODEC(Delta(8), ZSTD(1)),
      noted_at ${TIME} CODEC(Delta(8), ZSTD(1))
    ) ${engine('ReplacingMergeTree')} PARTITION BY toYYYYMM(looked_at) ORDER BY (rule, looked_at)
    SETTINGS ${settings}`,
    `ALTER TABLE pins ${onCluster} ADD COLUMN IF NOT EXISTS looked_at Nullable(${TIME}) AFTER previous_seen_at`,
  ],
};
