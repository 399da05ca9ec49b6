/** By what was said, and when, a report of a call finds another report of it; see `src/ingest/content/shared-keys.ts`. */

import type { Migration } from './migration.ts';

export const twinKeys: Migration = {
  id: 5,
  name: 'twin-keys',
  statements: ({ onCluster }) => [
    `ALTER TABLE span_facts ${onCluster}
       ADD COLUMN IF NOT EXISTS twin_key String CODEC(ZSTD(1)) AFTER response_id`,
    `ALTER TABLE span_facts ${onCluster}
       ADD INDEX IF NOT EXISTS by_twin twin_key TYPE bloom_filter(0.01) GRANULARITY 1`,
  ],
};
