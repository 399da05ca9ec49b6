/** Searches of the web that a provider made for a call, which have a price of their own. */

import type { Migration } from './migration.ts';

const SEARCHES = 'web_searches UInt64 CODEC(T64, ZSTD(1)) AFTER token_parts';

export const webSearches: Migration = {
  id: 10,
  name: 'web-searches',
  statements: ({ onCluster }) => [
    `ALTER TABLE invocations ${onCluster} ADD COLUMN IF NOT EXISTS ${SEARCHES}`,
    `ALTER TABLE usage_hours ${onCluster} ADD COLUMN IF NOT EXISTS ${SEARCHES}`,
  ],
};
