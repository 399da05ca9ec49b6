/** Usage added up by hours, and what says whether such an hour is still true; see `src/store/telemetry/usage-hours.ts`. */

import type { Migration } from './migration.ts';

export const usageHours: Migration = {
  id: 6,
  name: 'usage-hours',
  statements: ({ onCluster, engine, settings }) => [
    // How many rows were ever written for calls of an hour: it grows with every word about any of them.
    `CREATE TABLE IF NOT EXISTS usage_changes ${onCluster} (
      hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
      rows UInt64 CODEC(ZSTD(1)),
      at SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
    ) ${engine('SummingMergeTree', 'rows')} ORDER BY hour
    SETTINGS ${settings}`,

    `CREATE MATERIALIZED VIEW IF NOT EXISTS usage_changes_of_invocations ${onCluster} TO usage_changes AS
      SELECT toStartOfHour(started_at) AS hour, count() AS rows, now('UTC') AS at
      FROM invocations GROUP BY hour`,

    // An hour as it was when so many rows had been written for it.
    `CREATE TABLE IF NOT EXISTS usage_hours ${onCluster} (
      hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
      rows UInt64 CODEC(ZSTD(1)),
      prompt LowCardinality(String),
      version LowCardinality(String),
      model LowCardinality(String),
      service LowCardinality(String),
      owner LowCardinality(String),
      environment LowCardinality(String),
      calls UInt64 CODEC(T64, ZSTD(1)),
      errors UInt64 CODEC(T64, ZSTD(1)),
      input_tokens UInt64 CODEC(T64, ZSTD(1)),
      output_tokens UInt64 CODEC(T64, ZSTD(1)),
      cache_read_tokens UInt64 CODEC(T64, ZSTD(1)),
      cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
      reasoning_tokens UInt64 CODEC(T64, ZSTD(1)),
      cost_usd Decimal(38, 10) CODEC(ZSTD(1)),
      unpriced_calls UInt64 CODEC(T64, ZSTD(1)),
      latency AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) CODEC(ZSTD(1)),
      first_token AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) CODEC(ZSTD(1)),
      made_at DateTime('UTC') DEFAULT now('UTC') CODEC(ZSTD(1))
    ) ${engine('ReplacingMergeTree')}
    PARTITION BY toYYYYMM(hour)
    ORDER BY (hour, rows, prompt, version, model, service, owner, environment)
    TTL made_at + INTERVAL 90 DAY SETTINGS ${settings}`,
  ],
};
