/**
 * Parts of the tokens that have prices of their own, one map for all of them: most calls have none. What
 * usage was added up without them is told by its form; see `src/store/telemetry/usage-hours.ts`.
 */

import type { Migration } from './migration.ts';

const PARTS = 'token_parts Map(LowCardinality(String), UInt64) CODEC(ZSTD(1))';

export const tokenParts: Migration = {
  id: 8,
  name: 'token-parts',
  statements: ({ onCluster }) => [
    `ALTER TABLE invocations ${onCluster} ADD COLUMN IF NOT EXISTS ${PARTS} AFTER reasoning_tokens`,
    `ALTER TABLE usage_hours ${onCluster}
       ADD COLUMN IF NOT EXISTS ${PARTS} AFTER reasoning_tokens,
       ADD COLUMN IF NOT EXISTS form UInt8,
       MODIFY ORDER BY (hour, rows, prompt, version, model, service, owner, environment, form)`,
  ],
};
