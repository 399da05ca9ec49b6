/** Usage: calls, tokens, money and latency by any grouping, from the settled invocations themselves. */

import type { Quantiles, UsageGroup, UsageQuery, UsageRow, UsageTotals } from '../../contract/invocation-log.ts';
import type { Database } from '../database.ts';

const GROUP_EXPRESSIONS: Readonly<Record<UsageGroup, string>> = {
  prompt: "nullIf(toString(prompt), '')",
  version: "nullIf(toString(version), '')",
  model: "toString(if(response_model != '', response_model, request_model))",
  service: 'toString(service)',
  owner: "nullIf(toString(owner), '')",
  environment: 'toString(environment)',
  day: 'toString(toDate(started_at))',
};

// Groupings by day and version of many prompts; beyond it somebody wants SQL.
const GROUPS_MAX = 10_000;

type Sums = Omit<UsageTotals, 'latency_ms' | 'first_token_ms'> & {
  readonly latency: readonly (number | null)[];
  readonly first_token: readonly (number | null)[];
};

export async function queryUsage(database: Database, query: UsageQuery): Promise<readonly UsageRow[]> {
  const groups = [...new Set(query.groupBy)];
  const keys = groups.map((group) => `${GROUP_EXPRESSIONS[group]} AS key_${group}`);
  const rows = await database.query<Sums & Readonly<Record<string, unknown>>>(
    `SELECT ${keys.join(', ')},
       toFloat64(count()) AS calls,
       toFloat64(countIf(error_type != '')) AS errors,
       toFloat64(sum(call.input_tokens)) AS input_tokens,
       toFloat64(sum(call.output_tokens)) AS output_tokens,
       toFloat64(sum(call.cache_read_tokens)) AS cache_read_tokens,
       toFloat64(sum(call.cache_write_tokens)) AS cache_write_tokens,
       toFloat64(sum(call.reasoning_tokens)) AS reasoning_tokens,
       toString(sum(call.cost_usd)) AS cost_usd,
       toFloat64(countIf(call.cost_usd IS NULL)) AS unpriced_calls,
       quantilesTDigest(0.5, 0.95, 0.99)(latency_ms) AS latency,
       quantilesTDigest(0.5, 0.95, 0.99)(first_token_ms) AS first_token
     FROM (
       SELECT prompt, version, response_model, request_model, service, owner, environment, started_at, error_type,
         input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd,
         latency_ms, first_token_ms
       FROM invocations FINAL
       WHERE started_at >= {from:DateTime64(9, 'UTC')} AND started_at < {to:DateTime64(9, 'UTC')}
         AND toStartOfHour(started_at) >= toStartOfHour({from:DateTime64(9, 'UTC')})
         AND toStartOfHour(started_at) <= toStartOfHour({to:DateTime64(9, 'UTC')})
         AND is_deleted = 0
     ) AS call
     GROUP BY ${groups.map((group) => `key_${group}`).join(', ')}
     ORDER BY calls DESC, ${groups.map((group) => `key_${group}`).join(', ')} LIMIT ${GROUPS_MAX}
     SETTINGS do_not_merge_across_partitions_select_final = 1`,
    { from: query.from, to: query.to },
  );
  return rows.map((row) => toUsageRow(groups, row));
}

function toUsageRow(groups: readonly UsageGroup[], row: Sums & Readonly<Record<string, unknown>>): UsageRow {
  return {
    ...Object.fromEntries(groups.map((group) => [group, row[`key_${group}`] ?? null])),
    calls: row.calls,
    errors: row.errors,
    input_tokens: row.input_tokens ?? 0,
    output_tokens: row.output_tokens ?? 0,
    cache_read_tokens: row.cache_read_tokens ?? 0,
    cache_write_tokens: row.cache_write_tokens ?? 0,
    reasoning_tokens: row.reasoning_tokens ?? 0,
    cost_usd: row.cost_usd ?? '0',
    unpriced_calls: row.unpriced_calls,
    latency_ms: toQuantiles(row.latency),
    first_token_ms: toQuantiles(row.first_token),
  };
}

/** Of no values the engine makes NaN, which JSON writes as null. */
function toQuantiles([p50 = null, p95 = null, p99 = null]: readonly (number | null)[]): Quantiles {
  return { p50, p95, p99 };
}
