/** Texts, observations, the registry, verdicts, incidents and deliveries. */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";

export const foundation: Migration = {
  id: 1,
  name: 'foundation',
  statements: ({ onCluster, engine, settings }) => [
    // Looked up by hash, a few at a time, and often large: small granules keep a lookup small.
    `CREATE TABLE IF NOT EXISTS texts ${onCluster} (
      hash String CODEC(ZSTD(1)),
      content String CODEC(ZSTD(3)),
      stored_at ${TIME} DEFAULT now64(9, 'UTC')
    ) ${engine('ReplacingMergeTree')} ORDER BY hash
    SETTINGS index_granularity = 512, index_granularity_bytes = 1048576, ${settings}`,

    `CREATE TABLE IF NOT EXISTS observations ${onCluster} (${OBSERVATION}
    ) ${engine('ReplacingMergeTree')} PARTITION BY toYYYYMM(observed_at) ORDER BY (target, part, observed_at)
    SETTINGS ${settings}`,

    // Derived: the newest observation, and the newest that is an answer. Ten thousand targets
    // polled each minute make observations too many to find them there.
    `CREATE TABLE IF NOT EXISTS latest_observations ${onCluster} (${OBSERVATION}
    ) ${engine('ReplacingMergeTree', 'observed_at')} ORDER BY (prompt, environment, target, part, answered)
    SETTINGS ${settings}`,

    `CREATE TABLE IF NOT EXISTS registered_versions ${onCluster} (
      prompt String,
      version String,
      registry LowCardinality(String),
      identity String,
      default_hash String,
      document_hash String,
      document String CODEC(ZSTD(3)),
      recorded_at ${TIME}
    ) ${engine('MergeTree')} ORDER BY (prompt, version, registry, recorded_at)
    SETTINGS ${settings}`,

    `CREATE TABLE IF NOT EXISTS pins ${onCluster} (
      environment LowCardinality(String),
      prompt String,
      rule LowCardinality(String),
      version String,
      hash String,
      since Nullable(${TIME}),
      by Nullable(String),
      origin String,
      removed UInt8,
      previous_seen_at Nullable(${TIME}),
      recorded_at ${TIME}
    ) ${engine('ReplacingMergeTree')} ORDER BY (prompt, environment, rule, recorded_at)
    SETTINGS ${settings}`,

    `CREATE TABLE IF NOT EXISTS verdicts ${onCluster} (${VERDICT}
    ) ${engine('ReplacingMergeTree')} PARTITION BY toYYYYMM(at) ORDER BY (target, part, at)
    SETTINGS ${settings}`,

    `CREATE TABLE IF NOT EXISTS latest_verdicts ${onCluster} (${VERDICT}
    ) ${engine('ReplacingMergeTree', 'at')} ORDER BY (target, part)
    SETTINGS ${settings}`,

    `CREATE TABLE IF NOT EXISTS incidents ${onCluster} (
      id String,
      revision UInt64,
      transition LowCardinality(String),
      by String,
      fingerprint String,
      status LowCardinality(String),
      verdict LowCardinality(String),
      severity LowCardinality(String),
      prompt String,
      environment LowCardinality(String),
      target String,
      opened_at ${TIME},
      updated_at ${TIME},
      document String CODEC(ZSTD(3))
    ) ${engine('ReplacingMergeTree')} ORDER BY (id, revision, transition)
    SETTINGS ${settings}`,

    `CREATE TABLE IF NOT EXISTS deliveries ${onCluster} (
      id String,
      incident_id String,
      incident_revision UInt64,
      transition LowCardinality(String),
      channel LowCardinality(String),
      status LowCardinality(String),
      attempts UInt32,
      detail String,
      created_at ${TIME},
      updated_at ${TIME}
    ) ${engine('ReplacingMergeTree')} ORDER BY (id, attempts, status, updated_at)
    SETTINGS ${settings}`,
  ],
};

const OBSERVATION = `
      target String,
      part String,
      source LowCardinality(String),
      source_type LowCardinality(String),
      prompt String,
      environment LowCardinality(String),
      observed_at ${TIME} CODEC(Delta(8), ZSTD(1)),
      outcome LowCardinality(String),
      answered UInt8 MATERIALIZED outcome != 'unreachable',
      reason String,
      body_kind LowCardinality(String),
      strict_hash String,
      transport_hash String,
      cosmetic_hash String,
      settings String,
      pointer_name Nullable(String),
      pointer_value Nullable(String),
      source_version Nullable(String),
      edited_at Nullable(${TIME}),
      edited_by Nullable(String),
      share Nullable(Float64),
      url Nullable(String)`;

const VERDICT = `
      target String,
      part String,
      prompt String,
      environment LowCardinality(String),
      verdict LowCardinality(String),
      reason LowCardinality(String),
      at ${TIME} CODEC(Delta(8), ZSTD(1)),
      document String CODEC(ZSTD(3))`;
