/** What people ask in SQL (docs/sql.md): the rows as they are now, under names that stay while tables change. */

import type { Migration } from './migration.ts';

const CALL = [
  'trace_id, span_id, started_at, ended_at, service, instance, environment, operation, provider, request_model, response_model',
  'service_tier, response_id, conversation_id, user_id, declared_prompt, declared_version, prompt, version, owner, attribution_kind',
  'prompt_hash, finish_reasons, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, token_parts',
  'web_searches, cost_usd, price_id, reported_cost_usd, latency_ms, first_token_ms, error_type, error_message, evaluations, incomplete',
].join(', ');

type Path = readonly (string | number)[];
const of = (...path: Path): string =>
  ['document', ...path.map((key) => (typeof key === 'number' ? key : `'${key}'`))].join(', ');
const textOf = (...path: Path): string => `JSONExtract(${of(...path)}, 'Nullable(String)')`;
const timeOf = (...path: Path): string => `parseDateTime64BestEffortOrNull(ifNull(${textOf(...path)}, ''), 9, 'UTC')`;

export const views: Migration = {
  id: 20,
  name: 'views',
  statements: ({ onCluster }) => [
    `CREATE VIEW IF NOT EXISTS calls ${onCluster} AS SELECT ${CALL} FROM invocations FINAL WHERE NOT is_deleted`,

    `CREATE VIEW IF NOT EXISTS incidents_now ${onCluster} AS
      SELECT id, status, verdict, severity, prompt, environment, target, ${textOf('owner')} AS owner,
        JSONExtractString(${of('summary')}) AS summary, opened_at, updated_at, ${timeOf('resolvedAt')} AS resolved_at,
        ${timeOf('changedBetween', 1)} AS changed_after, ${timeOf('changedBetween', 2)} AS changed_until,
        ${textOf('changedBy')} AS changed_by, ${textOf('expected', 'version')} AS expected_version,
        ${textOf('observed', 'version')} AS observed_version, ${textOf('observed', 'hash')} AS observed_hash,
        JSONExtractUInt(${of('invocationsAffected')}) AS calls_affected
      FROM (SELECT * FROM incidents ORDER BY revision DESC LIMIT 1 BY id)`,

    `CREATE VIEW IF NOT EXISTS targets_now ${onCluster} AS
      SELECT target, part, prompt, environment, verdict, reason, at FROM latest_verdicts FINAL`,
  ],
};
