/** When the look began that an observation is the answer of: a slow one saw what was there at some moment since. */

import type { Migration } from './migration.ts';

const COLUMN = "asked_at Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)) AFTER observed_at";

export const askedAt: Migration = {
  id: 14,
  name: 'asked-at',
  statements: ({ onCluster }) => [
    `ALTER TABLE observations ${onCluster} ADD COLUMN IF NOT EXISTS ${COLUMN}`,
    `ALTER TABLE latest_observations ${onCluster} ADD COLUMN IF NOT EXISTS ${COLUMN}`,
  ],
};
