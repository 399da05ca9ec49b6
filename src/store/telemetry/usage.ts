/** Usage: calls, tokens, money and latency by any grouping, from the settled invocations themselves. */

import {
  USAGE_KEYS,
  type Quantiles,
  type UsageGroup,
  type UsageQuery,
  type UsageRow,
  type UsageTotals,
} from '../../contract/invocation-log.ts';
import { Fault } from '../../contract/fault.ts';
import type { Database } from '../database.ts';
import { evaluationsOf, type Judgements } from './judgements.ts';
import { partialSums, type AddUpOptions } from './usage-hours.ts';

const GROUP_COLUMNS: Readonly<Record<UsageGroup, string>> = {
  prompt: 'prompt',
  version: 'version',
  model: 'model',
  service: 'service',
  owner: 'owner',
  environment: 'environment',
  service_tier: 'service_tier',
  day: 'toDate(hour, {zone:String})',
};

/** Not known, as an answer. */
const NULL_IF_EMPTY: ReadonlySet<UsageGroup> = new Set(['prompt', 'version', 'owner', 'service_tier']);

// Groupings by day and version of many prompts; beyond it somebody wants SQL.
const GROUPS_MAX = 50_000;

type Sums = Omit<UsageTotals, 'latency_ms' | 'first_token_ms' | 'output_tokens_of_call' | 'evaluations'> & {
  readonly latency: readonly (number | null)[];
  readonly first_token: readonly (number | null)[];
  readonly output_length: readonly (number | null)[];
  readonly judgements: Judgements;
};

/** `addUp`: see `usage-hours.ts`. */
export async function queryUsage(
  database: Database,
  query: UsageQuery,
  addUp: AddUpOptions,
): Promise<readonly UsageRow[]> {
  const groups = [...new Set(query.groupBy)];
  const keys = groups.map((group) => `key_${group}`).join(', ');
  const columns = groups.map((group) => `${GROUP_COLUMNS[group]} AS key_${group}`);
  const shown = groups.map(
    (group) =>
      `${NULL_IF_EMPTY.has(group) ? `nullIf(toString(key_${group}), '')` : `toString(key_${group})`} AS ${group}`,
  );
  const { from, to, only = {} } = query;
  // What is not grouped by days asks for no hour to be divided.
  const zone = (groups.includes('day') ? query.timeZone : undefined) ?? 'UTC';
  const { sql, parameters } = await partialSums(database, { from, to, timeZone: zone }, addUp);
  const asked = USAGE_KEYS.flatMap((key) => (only[key] === undefined ? [] : [[key, only[key]] as const]));
  const conditions = asked.map(([key]) => `part.${key} = {only_${key}:String}`).join(' AND ');
  const rows = await database.query<Sums & Readonly<Record<string, unknown>>>(
    // Grouped by the columns as they are, which is much faster than by texts made of them.
    `SELECT ${shown.join(', ')},
       toFloat64(total.calls) AS calls,
       toFloat64(total.errors) AS errors,
       toFloat64(total.input_tokens) AS input_tokens,
       toFloat64(total.output_tokens) AS output_tokens,
       toFloat64(total.cache_read_tokens) AS cache_read_tokens,
       toFloat64(total.cache_write_tokens) AS cache_write_tokens,
       toFloat64(total.reasoning_tokens) AS reasoning_tokens,
       CAST(total.token_parts, 'Map(String, Float64)') AS token_parts,
       toFloat64(total.web_searches) AS web_searches,
       toString(total.cost_usd) AS cost_usd,
       toFloat64(total.unpriced_calls) AS unpriced_calls,
       total.latency AS latency,
       total.first_token AS first_token,
       total.output_length AS output_length,
       CAST(total.finish_reasons, 'Map(String, Float64)') AS finish_reasons,
       CAST(total.judgements, 'Tuple(Array(String), Array(Float64), Array(Float64), Array(Float64), Array(Float64))')
         AS judgements
     FROM (
       SELECT ${columns.join(', ')},
         sum(part.calls) AS calls,
         sum(part.errors) AS errors,
         sum(part.input_tokens) AS input_tokens,
         sum(part.output_tokens) AS output_tokens,
         sum(part.cache_read_tokens) AS cache_read_tokens,
         sum(part.cache_write_tokens) AS cache_write_tokens,
         sum(part.reasoning_tokens) AS reasoning_tokens,
         sumMap(part.token_parts) AS token_parts,
         sum(part.web_searches) AS web_searches,
         sum(part.cost_usd) AS cost_usd,
         sum(part.unpriced_calls) AS unpriced_calls,
         quantilesTDigestMerge(0.5, 0.95, 0.99)(part.latency) AS latency,
         quantilesTDigestMerge(0.5, 0.95, 0.99)(part.first_token) AS first_token,
         quantilesTDigestMerge(0.5, 0.95, 0.99)(part.output_length) AS output_length,
         sumMap(part.finish_reasons) AS finish_reasons,
         sumMap(part.judgements) AS judgements
       FROM (${sql}) AS part
       ${conditions === '' ? '' : `WHERE ${conditions}`}
       GROUP BY ${keys} ORDER BY calls DESC, ${keys} LIMIT ${GROUPS_MAX + 1}
     ) AS total
     ORDER BY ${groups.includes('day') ? 'key_day, ' : ''}total.calls DESC, ${keys}
     SETTINGS do_not_merge_across_partitions_select_final = 1`,
    { ...parameters, zone, ...Object.fromEntries(asked.map(([key, value]) => [`only_${key}`, value])) },
  );
  if (rows.length > GROUPS_MAX) {
    throw new Fault('permanent', `Usage by ${groups.join(', ')} has more than ${GROUPS_MAX} groups in this period.`, {
      hint: 'Ask for a shorter period, or group by less.',
    });
  }
  return rows.map((row) => toUsageRow(groups, row));
}

function toUsageRow(groups: readonly UsageGroup[], row: Sums & Readonly<Record<string, unknown>>): UsageRow {
  return {
    ...Object.fromEntries(groups.map((group) => [group, row[group] ?? null])),
    calls: row.calls,
    errors: row.errors,
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    cache_read_tokens: row.cache_read_tokens,
    cache_write_tokens: row.cache_write_tokens,
    reasoning_tokens: row.reasoning_tokens,
    token_parts: row.token_parts,
    web_searches: row.web_searches,
    cost_usd: row.cost_usd,
    unpriced_calls: row.unpriced_calls,
    latency_ms: toQuantiles(row.latency),
    first_token_ms: toQuantiles(row.first_token),
    output_tokens_of_call: toQuantiles(row.output_length),
    finish_reasons: row.finish_reasons,
    evaluations: evaluationsOf(row.judgements),
  };
}

/** Of no values the engine makes NaN, which JSON writes as null. */
function toQuantiles([p50 = null, p95 = null, p99 = null]: readonly (number | null)[]): Quantiles {
  return { p50, p95, p99 };
}
