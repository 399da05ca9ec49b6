/** Which period a replica is about to price anew, for the others; see `src/ingest/settling/repriced-periods.ts`. */

import type { Migration } from './migration.ts';

export const sightingsRepriced: Migration = {
  id: 15,
  name: 'sightings-repriced',
  statements: ({ onCluster }) => [
    `ALTER TABLE sightings ${onCluster} ADD COLUMN IF NOT EXISTS repriced Array(DateTime64(9, 'UTC')) CODEC(ZSTD(1))`,
  ],
};
