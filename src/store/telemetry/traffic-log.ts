/** Groups stored calls for the watch of traffic. */

import type { AttributionKind } from '../../contract/attribution.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { TrafficLog } from '../../contract/traffic-log.ts';
import type { Database } from '../database.ts';

/** Enough to see whether several unknown texts are the same edit. */
const EXAMPLES_PER_GROUP = 8;
/** Attributions that a newly registered version can improve. */
const OPEN_KINDS: readonly AttributionKind[] = ['unknown', 'near', 'ambiguous'];

interface GroupRow {
  readonly environment: string;
  readonly service: string;
  readonly instance: string;
  readonly kind: AttributionKind;
  readonly prompt: string;
  readonly version: string;
  readonly declared_prompt: string;
  readonly declared_version: string;
  readonly calls: string;
  readonly first_at: Timestamp;
  readonly last_at: Timestamp;
  readonly examples: readonly (readonly [traceId: string, spanId: string])[];
}

export function createTrafficLog(database: Database): TrafficLog {
  return {
    traffic: async (from, until, groupsMax) => {
      const rows = await database.query<GroupRow>(
        `SELECT environment, service, instance, attribution_kind AS kind, prompt, version, declared_prompt, declared_version,
           count() AS calls, min(started_at) AS first_at, max(started_at) AS last_at,
           arrayMap(example -> (example.2, example.3), arrayReverseSort(groupArrayLast(${EXAMPLES_PER_GROUP})((started_at, trace_id, span_id)))) AS examples
         FROM invocations FINAL
         WHERE started_at BETWEEN {from:DateTime64(9, 'UTC')} AND {until:DateTime64(9, 'UTC')}
           AND toStartOfHour(started_at) >= toStartOfHour({from:DateTime64(9, 'UTC')}) AND is_deleted = 0
         GROUP BY ALL ORDER BY calls DESC LIMIT {limit:UInt32}`,
        { from, until, limit: groupsMax },
      );
      return rows.map(
        ({
          calls,
          first_at: firstAt,
          last_at: lastAt,
          declared_prompt: declaredPrompt,
          declared_version: declaredVersion,
          examples,
          ...row
        }) => ({
          ...row,
          declaredPrompt,
          declaredVersion,
          calls: Number(calls),
          firstAt,
          lastAt,
          examples: examples.map(([traceId, spanId]) => ({ traceId, spanId })),
        }),
      );
    },
    unattributed: async (since, before, limit) => {
      const rows = await database.query<{ trace_id: string; newest: Timestamp }>(
        `SELECT trace_id, max(started_at) AS newest FROM invocations FINAL
         WHERE started_at >= {since:DateTime64(9, 'UTC')} AND toStartOfHour(started_at) >= toStartOfHour({since:DateTime64(9, 'UTC')})
           AND attribution_kind IN {kinds:Array(String)} AND is_deleted = 0
           ${before === null ? '' : `AND started_at < {before:DateTime64(9, 'UTC')}`}
         GROUP BY trace_id ORDER BY newest DESC LIMIT {limit:UInt32}`,
        { since, kinds: OPEN_KINDS, limit, ...(before === null ? {} : { before }) },
      );
      return rows.map((row) => ({ traceId: row.trace_id, startedAt: row.newest }));
    },
  };
}
