/** What is noted of outputs, and what it is compared with; see `src/store/telemetry/output-log.ts`. */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";
const HOUR = "hour DateTime('UTC') CODEC(Delta(4), ZSTD(1))";
const SERIES = 'prompt, environment, version, model';
const SERIES_COLUMNS = SERIES.split(', ')
  .map((column) => `${column} LowCardinality(String)`)
  .join(', ');

export const outputDrift: Migration = {
  id: 18,
  name: 'output-drift',
  statements: ({ onCluster, engine, settings }) => [
    `CREATE TABLE IF NOT EXISTS output_samples ${onCluster} (
      ${SERIES_COLUMNS},
      -- Which list of features these are of.
      features_id UInt16,
      ${HOUR},
      trace_id String CODEC(ZSTD(1)),
      span_id String CODEC(ZSTD(1)),
      started_at ${TIME} CODEC(Delta(8), ZSTD(1)),
      numbers Array(Nullable(Float32)) CODEC(ZSTD(1)),
      flags Nullable(UInt32) CODEC(ZSTD(1)),
      words Array(LowCardinality(String)) CODEC(ZSTD(1))
    ) ${engine('ReplacingMergeTree')}
    -- Words may be of an answer: they go with the month of its call.
    PARTITION BY toYYYYMM(hour) ORDER BY (${SERIES}, features_id, hour, trace_id, span_id)
    TTL hour + INTERVAL 60 DAY SETTINGS ${settings}`,

    // How many samples there are of an hour, without going through them.
    `CREATE TABLE IF NOT EXISTS output_hours ${onCluster} (
      ${SERIES_COLUMNS},
      features_id UInt16,
      ${HOUR},
      outputs UInt32 CODEC(ZSTD(1))
    ) ${engine('ReplacingMergeTree')} PARTITION BY toYYYYMM(hour) ORDER BY (${SERIES}, features_id, hour)
    TTL hour + INTERVAL 60 DAY SETTINGS ${settings}`,

    // One row, the last that was written.
    `CREATE TABLE IF NOT EXISTS output_reads ${onCluster} (
      what LowCardinality(String) DEFAULT 'read_until',
      until ${TIME}
    ) ${engine('ReplacingMergeTree')} ORDER BY what
    SETTINGS ${settings}`,

    `CREATE TABLE IF NOT EXISTS output_baselines ${onCluster} (
      ${SERIES_COLUMNS},
      made_at ${TIME} CODEC(Delta(8), ZSTD(1)),
      document String CODEC(ZSTD(3))
    ) ${engine('ReplacingMergeTree')} ORDER BY (${SERIES}, made_at)
    SETTINGS index_granularity = 512, ${settings}`,

    // Outputs of an hour in the bins of a baseline.
    `CREATE TABLE IF NOT EXISTS output_counts ${onCluster} (
      ${SERIES_COLUMNS},
      made_at ${TIME} CODEC(Delta(8), ZSTD(1)),
      ${HOUR},
      outputs UInt32 CODEC(ZSTD(1)),
      counts Array(UInt32) CODEC(ZSTD(1))
    ) ${engine('ReplacingMergeTree')} ORDER BY (${SERIES}, made_at, hour)
    TTL hour + INTERVAL 400 DAY SETTINGS index_granularity = 1024, ${settings}`,

    // The newest of each series. Of one that has no outputs any more it goes with the last counts.
    `CREATE TABLE IF NOT EXISTS output_statuses ${onCluster} (
      ${SERIES_COLUMNS},
      at ${TIME} CODEC(Delta(8), ZSTD(1)),
      state LowCardinality(String),
      document String CODEC(ZSTD(3))
    ) ${engine('ReplacingMergeTree', 'at')} ORDER BY (${SERIES})
    TTL toDateTime(at) + INTERVAL 400 DAY SETTINGS ${settings}`,
  ],
};
