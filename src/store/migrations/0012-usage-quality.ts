/**
 * What usage says of how good calls were: judgements and how they ended; and under which tier of service they were
 * made. Judgements stand in `extras`, from which the engine takes them, also of calls that were stored before.
 */

import type { Migration } from './migration.ts';

const JUDGEMENTS = 'Array(Tuple(name String, score Nullable(Float64), label String))';
const TIER = 'service_tier LowCardinality(String)';

export const usageQuality: Migration = {
  id: 12,
  name: 'usage-quality',
  statements: ({ onCluster }) => [
    `ALTER TABLE invocations ${onCluster}
       ADD COLUMN IF NOT EXISTS evaluations ${JUDGEMENTS}
         MATERIALIZED if(position(extras, '"evaluations":[') > 0, JSONExtract(extras, 'evaluations', '${JUDGEMENTS}'), [])
         CODEC(ZSTD(1)),
       ADD COLUMN IF NOT EXISTS ${TIER} AFTER response_model`,
    `ALTER TABLE usage_hours ${onCluster}
       ADD COLUMN IF NOT EXISTS finish_reasons Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)),
       ADD COLUMN IF NOT EXISTS output_length AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(UInt64)) CODEC(ZSTD(1)),
       ADD COLUMN IF NOT EXISTS judgements
         Tuple(Array(String), Array(UInt64), Array(UInt64), Array(Float64), Array(Float64)) CODEC(ZSTD(1)),
       ADD COLUMN IF NOT EXISTS ${TIER},
       MODIFY ORDER BY (hour, rows, prompt, version, model, service, owner, environment, form, service_tier)`,
  ],
};
