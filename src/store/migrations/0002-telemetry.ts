/** Facts of spans and logs, message lists, invocations, and what could not be stored. */

import type { Migration } from './migration.ts';

const TIME = "DateTime64(9, 'UTC')";
const TIME_CODEC = 'CODEC(Delta(8), ZSTD(1))';

export const telemetry: Migration = {
  id: 2,
  name: 'telemetry',
  statements: ({ onCluster, engine, settings }) => [
    // What each span or log record said. Read back when a late one arrives: by trace, or by response id.
    `CREATE TABLE IF NOT EXISTS span_facts ${onCluster} (
      trace_id String CODEC(ZSTD(1)),
      span_id String CODEC(ZSTD(1)),
      record_id String CODEC(ZSTD(1)),
      started_at ${TIME} ${TIME_CODEC},
      received_at ${TIME} ${TIME_CODEC},
      response_id String CODEC(ZSTD(1)),
      facts String CODEC(ZSTD(3)),
      -- The same span resent is one row; sent again with other content it is another version of it.
      variant UInt64 MATERIALIZED cityHash64(facts) CODEC(NONE),
      INDEX by_response response_id TYPE bloom_filter(0.01) GRANULARITY 1
    ) ${engine('ReplacingMergeTree', 'received_at')}
    PARTITION BY toDate(received_at) ORDER BY (trace_id, span_id, record_id, variant)
    SETTINGS index_granularity = 1024, ${settings}`,

    // Each list of messages as what it adds to another one; see src/ingest/content/message-lists.ts.
    `CREATE TABLE IF NOT EXISTS message_lists ${onCluster} (
      hash String CODEC(ZSTD(1)),
      base String CODEC(ZSTD(1)),
      messages Array(String) CODEC(ZSTD(3))
    ) ${engine('ReplacingMergeTree')} ORDER BY hash
    SETTINGS index_granularity = 512, ${settings}`,

    // One row a call, once settled. The highest revision of (start hour, trace, span) is the truth.
    `CREATE TABLE IF NOT EXISTS invocations ${onCluster} (${INVOCATION}
    ) ${engine('ReplacingMergeTree', 'revision')}
    PARTITION BY toYYYYMM(started_at)
    ORDER BY (toStartOfHour(started_at), trace_id, span_id)
    SETTINGS ${settings}`,

    // What could not be read or stored, with what it takes to try again.
    `CREATE TABLE IF NOT EXISTS quarantine ${onCluster} (
      id String,
      at ${TIME},
      kind LowCardinality(String),
      lane LowCardinality(String),
      reason String,
      payload String CODEC(ZSTD(3)),
      status LowCardinality(String),
      revision UInt64
    ) ${engine('ReplacingMergeTree', 'revision')} ORDER BY id
    SETTINGS ${settings}`,

    // Corrected costs on their way into invocations; a run's rows are deleted when it is done.
    `CREATE TABLE IF NOT EXISTS restatements ${onCluster} (
      run String,
      trace_id String,
      span_id String,
      started_at ${TIME},
      cost_usd Nullable(Decimal(18, 10)),
      price_id LowCardinality(String),
      made_at ${TIME} DEFAULT now64(9, 'UTC')
    ) ${engine('MergeTree')} ORDER BY (run, started_at, trace_id, span_id)
    TTL toDateTime(made_at) + INTERVAL 1 DAY SETTINGS ${settings}`,
  ],
};

const INVOCATION = `
      trace_id String CODEC(ZSTD(1)),
      span_id String CODEC(ZSTD(1)),
      started_at ${TIME} ${TIME_CODEC},
      ended_at Nullable(${TIME}) ${TIME_CODEC},
      ingested_at ${TIME} ${TIME_CODEC},
      service LowCardinality(String),
      instance LowCardinality(String),
      environment LowCardinality(String),
      operation LowCardinality(String),
      provider LowCardinality(String),
      request_model LowCardinality(String),
      response_model LowCardinality(String),
      response_id String CODEC(ZSTD(1)),
      conversation_id String CODEC(ZSTD(1)),
      user_id String CODEC(ZSTD(1)),
      declared_prompt LowCardinality(String),
      declared_version LowCardinality(String),
      prompt LowCardinality(String),
      version LowCardinality(String),
      owner LowCardinality(String),
      attribution_kind LowCardinality(String),
      prompt_hash String CODEC(ZSTD(1)),
      input String CODEC(ZSTD(1)),
      output String CODEC(ZSTD(3)),
      extras String CODEC(ZSTD(3)),
      finish_reasons Array(LowCardinality(String)),
      input_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
      output_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
      cache_read_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
      cache_write_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
      reasoning_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
      cost_usd Nullable(Decimal(18, 10)) CODEC(ZSTD(1)),
      price_id LowCardinality(String),
      reported_cost_usd Nullable(Decimal(18, 10)) CODEC(ZSTD(1)),
      latency_ms Nullable(Float64) CODEC(ZSTD(1)),
      first_token_ms Nullable(Float64) CODEC(ZSTD(1)),
      error_type LowCardinality(String),
      error_message String CODEC(ZSTD(1)),
      incomplete Array(LowCardinality(String)),
      dialects Array(LowCardinality(String)),
      content_hash String CODEC(ZSTD(1)),
      revision UInt64 CODEC(Delta(8), ZSTD(1)),
      is_deleted UInt8,
      INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
      INDEX by_prompt_hash prompt_hash TYPE bloom_filter(0.01) GRANULARITY 4`;
