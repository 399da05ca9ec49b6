/**
 * What is let go of by the month: content of calls in partitions of the months in which it was last stored, and of which
 * months only sums are left; see `src/store/telemetry/retention.ts`. Texts that calls and observations have in common stay in `texts`.
 */

import type { Migration } from './migration.ts';

const STORED_AT = "stored_at DateTime('UTC') DEFAULT now('UTC') CODEC(Delta(4), ZSTD(1))";
// What there is, and what a replica of an older release still writes, comes into the new tables.
const LISTS = 'SELECT hash, base, messages FROM message_lists';
const VARIABLES = 'SELECT hash, names, values, kept, characters, starts, ends FROM variables';
// Above all numbers of rows that were ever written for an hour.
const STATES_OF_DROPPED = 2 ** 52;

export const retention: Migration = {
  id: 16,
  name: 'retention',
  statements: ({ onCluster, engine, settings }) => [
    `CREATE TABLE IF NOT EXISTS call_texts ${onCluster} (
      hash String CODEC(ZSTD(1)),
      content String CODEC(ZSTD(3)),
      ${STORED_AT}
    ) ${engine('ReplacingMergeTree')} PARTITION BY toYYYYMM(stored_at) ORDER BY hash
    SETTINGS index_granularity = 512, index_granularity_bytes = 1048576, ${settings}`,

    `CREATE TABLE IF NOT EXISTS call_lists ${onCluster} (
      hash String CODEC(ZSTD(1)),
      base String CODEC(ZSTD(1)),
      messages Array(String) CODEC(ZSTD(3)),
      ${STORED_AT}
    ) ${engine('ReplacingMergeTree')} PARTITION BY toYYYYMM(stored_at) ORDER BY hash
    SETTINGS index_granularity = 512, ${settings}`,
    `CREATE MATERIALIZED VIEW IF NOT EXISTS call_lists_of_older ${onCluster} TO call_lists AS ${LISTS}`,
    `INSERT INTO call_lists (hash, base, messages) ${LISTS}`,

    `CREATE TABLE IF NOT EXISTS call_variables ${onCluster} (
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
      ${STORED_AT}
    ) ${engine('ReplacingMergeTree')} PARTITION BY toYYYYMM(stored_at) ORDER BY hash
    SETTINGS index_granularity = 512, index_granularity_bytes = 1048576, ${settings}`,
    `CREATE MATERIALIZED VIEW IF NOT EXISTS call_variables_of_older ${onCluster} TO call_variables AS ${VARIABLES}`,
    `INSERT INTO call_variables (hash, names, values, kept, characters, starts, ends) ${VARIABLES}`,

    `CREATE TABLE IF NOT EXISTS dropped_months ${onCluster} (
      -- 202611, of the calls' start.
      month UInt32,
      -- Under which state of its hours the month's sums stand in usage_hours.
      state UInt64,
      at DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC')
    ) ${engine('MergeTree')} ORDER BY (month, at)
    SETTINGS ${settings}`,
    `ALTER TABLE usage_hours ${onCluster} MODIFY TTL made_at + INTERVAL 90 DAY DELETE WHERE rows < ${STATES_OF_DROPPED}`,
  ],
};
