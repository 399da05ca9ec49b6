/**
 * When the facts were received that a replica tells of, so that the others need not read the whole of a large trace
 * for each few spans. Replicas of before tell of all times, as far as a time goes.
 */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";
const CODEC = 'CODEC(Delta(8), ZSTD(1))';

export const sightingsReceived: Migration = {
  id: 11,
  name: 'sightings-received',
  statements: ({ onCluster }) => [
    `ALTER TABLE sightings ${onCluster}
       ADD COLUMN IF NOT EXISTS received_first ${TIME} DEFAULT toDateTime64('1970-01-01 00:00:00', 9, 'UTC') ${CODEC},
       ADD COLUMN IF NOT EXISTS received_last ${TIME} DEFAULT toDateTime64('2105-12-31 00:00:00', 9, 'UTC') ${CODEC}`,
  ],
};
