/** What filled the variables of rendered prompts, once for each distinct text, and which calls it filled them in. */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";

export const variables: Migration = {
  id: 4,
  name: 'variables',
  statements: ({ onCluster, engine, settings }) => [
    // Looked up by hash, as texts are: small granules keep a lookup small.
    `CREATE TABLE IF NOT EXISTS variables ${onCluster} (
      hash String CODEC(ZSTD(1)),
      names Array(LowCardinality(String)),
      -- Where the content policy keeps hashes only, these are the hashes.
      values Array(String) CODEC(ZSTD(3)),
      kept UInt8,
      -- Of kept values, before they were cut.
      characters Array(UInt32),
      -- Of values that were not kept: one byte each that tells whether many of them begin or end alike.
      starts Array(UInt8),
      ends Array(UInt8),
      stored_at ${TIME} DEFAULT now64(9, 'UTC')
    ) ${engine('ReplacingMergeTree')} ORDER BY hash
    SETTINGS index_granularity = 512, index_granularity_bytes = 1048576, ${settings}`,

    `ALTER TABLE invocations ${onCluster} ADD COLUMN IF NOT EXISTS variables_hash String CODEC(ZSTD(1)) AFTER prompt_hash`,
  ],
};
