/** Groups stored calls for the watch of traffic. */

import type { AttributionKind } from '../../contract/attribution.ts';
import type { Timestamp } from '../../contract/time.ts';
import {
  UNREGISTERED_PREFIX,
  type LastChanges,
  type TraceCursor,
  type TrafficLog,
  type TrafficPlace,
  type TrafficRow,
} from '../../contract/traffic-log.ts';
import { addMillis, DAY_MS, laterOf } from '../../lib/time.ts';
import type { Database } from '../database.ts';
import { startedSince, startedUntil } from './started.ts';

/** Enough that the share of a kind among them says something about the group. */
const EXAMPLES_PER_GROUP = 16;
/** Attributions that a newly registered version can improve. */
const OPEN_KINDS: readonly AttributionKind[] = ['unknown', 'near', 'ambiguous', 'insufficient_evidence'];
/** The observation that a change is a change from: targets are polled at least this often. */
const POLLED_WITHIN_MS = DAY_MS;

export function createTrafficLog(database: Database): TrafficLog {
  return {
    traffic: (from, until, groupsMax) => readTraffic(database, from, until, groupsMax),
    newestCall: (from, until) => readNewestCall(database, from, until),
    lastCalls: (places, from, until) => readLastCalls(database, places, from, until),
    lastChanges: (prompts, since) => readLastChanges(database, prompts, since),
    unattributed: (from, until, after, limit) => readUnattributed(database, from, until, after, limit),
  };
}

interface GroupRow {
  readonly environment: string;
  readonly service: string;
  readonly instance: string;
  readonly kind: AttributionKind;
  readonly prompt: string;
  readonly version: string;
  readonly declared_prompt: string;
  readonly declared_version: string;
  readonly has_content: number;
  readonly calls: string;
  readonly first_at: Timestamp;
  readonly last_at: Timestamp;
  readonly examples: readonly (readonly [traceId: string, spanId: string, startedAt: string])[];
}

// The calls with the smallest hashes are an even sample of the window that hardly changes as it moves on.
const EXAMPLES = `arrayMap(
    one -> (one.2, one.3, one.4),
    groupArraySorted(${EXAMPLES_PER_GROUP})((cityHash64(trace_id, span_id), trace_id, span_id, started_at))
  )`;

async function readTraffic(
  database: Database,
  from: Timestamp,
  until: Timestamp,
  groupsMax: number,
): Promise<readonly TrafficRow[]> {
  const rows = await database.query<GroupRow>(
    `SELECT environment, service, instance, attribution_kind AS kind, prompt, version,
       declared_prompt, declared_version, prompt_hash != '' AS has_content,
       count() AS calls, min(started_at) AS first_at, max(started_at) AS last_at, ${EXAMPLES} AS examples
     FROM invocations FINAL
     WHERE ${startedSince('from')} AND ${startedUntil('until')} AND is_deleted = 0
     GROUP BY environment, service, instance, kind, prompt, version, declared_prompt, declared_version, has_content
     ORDER BY calls DESC, environment, service, instance, kind, prompt, version LIMIT {limit:UInt32}`,
    { from, until, limit: groupsMax },
  );
  return rows.map(toTrafficRow);
}

function toTrafficRow(row: GroupRow): TrafficRow {
  const { environment, service, instance, kind, prompt, version } = row;
  return {
    environment,
    service,
    instance,
    kind,
    prompt,
    version,
    declaredPrompt: row.declared_prompt,
    declaredVersion: row.declared_version,
    hasContent: row.has_content === 1,
    calls: Number(row.calls),
    firstAt: row.first_at,
    lastAt: row.last_at,
    examples: row.examples.map(([traceId, spanId, startedAt]) => ({
      traceId,
      spanId,
      startedAt: startedAt as Timestamp,
    })),
  };
}

async function readNewestCall(database: Database, from: Timestamp, until: Timestamp): Promise<Timestamp | null> {
  const [row] = await database.query<{ hour: Timestamp }>(
    `SELECT toDateTime64(toStartOfHour(started_at), 9, 'UTC') AS hour FROM invocations
     WHERE ${startedSince('from')} AND ${startedUntil('until')} AND is_deleted = 0
     ORDER BY toStartOfHour(started_at) DESC LIMIT 1`,
    { from, until },
  );
  return row?.hour ?? null;
}

// As `promptOf` and `natureOf` in src/daemon/traffic/traffic-groups.ts say it of a group.
const NAME = "if(prompt = '', declared_prompt, prompt)";
const IS_OF_NONE = `(prompt = '' OR version = '') AND prompt_hash != ''
  AND attribution_kind NOT IN ('unverifiable', 'insufficient_evidence')`;

async function readLastCalls(
  database: Database,
  places: readonly TrafficPlace[],
  from: Timestamp,
  until: Timestamp,
): Promise<readonly (Timestamp | null)[]> {
  if (places.length === 0) return [];
  const rows = await database.query<{
    environment: string;
    service: string;
    name: string;
    is_of_none: number;
    last: Timestamp;
  }>(
    // Days of calls: without FINAL, which would sort all of them.
    `SELECT environment, service, ${NAME} AS name, ${IS_OF_NONE} AS is_of_none, max(started_at) AS last
     FROM invocations
     WHERE ${startedSince('from')} AND ${startedUntil('until')} AND is_deleted = 0
       AND environment IN {environments:Array(String)} AND service IN {services:Array(String)}
       AND (name IN {prompts:Array(String)} OR is_of_none)
     GROUP BY environment, service, name, is_of_none`,
    {
      from,
      until,
      environments: [...new Set(places.map(({ environment }) => environment))],
      services: [...new Set(places.map(({ service }) => service))],
      prompts: [...new Set(places.map(({ prompt }) => prompt))],
    },
  );
  return places.map(({ environment, service, prompt, mayBeOfNone }) => {
    const own = rows.filter(
      (row) =>
        row.environment === environment &&
        row.service === service &&
        (row.name === prompt || (mayBeOfNone && row.is_of_none === 1)),
    );
    return own.reduce<Timestamp | null>((last, row) => laterOf(row.last, last), null);
  });
}

async function readLastChanges(
  database: Database,
  prompts: readonly string[],
  since: Timestamp,
): Promise<readonly LastChanges[]> {
  if (prompts.length === 0) return [];
  const rows = await database.query<LastChanges>(
    // The table of the newest observations tells where in the large one to look.
    `SELECT prompt, environment, maxOrNullIf(at, what = 'held') AS held, maxOrNullIf(at, what = 'pinned') AS pinned
     FROM (
       SELECT 'held' AS what, prompt, environment, observed_at AS at, strict_hash AS now,
         lagInFrame(strict_hash, 1, strict_hash) OVER (
           PARTITION BY target, part, prompt ORDER BY observed_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
         ) AS before
       FROM observations
       WHERE answered AND observed_at >= {before:DateTime64(9, 'UTC')} AND prompt IN {prompts:Array(String)}
         AND target IN (SELECT target FROM latest_observations WHERE prompt IN {prompts:Array(String)})
       UNION ALL
       SELECT 'pinned' AS what, prompt, environment, recorded_at AS at, version AS now,
         lagInFrame(version, 1, version) OVER (
           PARTITION BY prompt, environment, rule ORDER BY recorded_at
           ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
         ) AS before
       FROM pins WHERE prompt IN {prompts:Array(String)}
     )
     WHERE now != before AND at >= {since:DateTime64(9, 'UTC')} GROUP BY prompt, environment`,
    { prompts: [...new Set(prompts)], since, before: addMillis(since, -POLLED_WITHIN_MS) },
  );
  return rows;
}

async function readUnattributed(
  database: Database,
  from: Timestamp,
  until: Timestamp,
  after: TraceCursor | null,
  limit: number,
): Promise<readonly TraceCursor[]> {
  const beyond =
    after === null ? '' : `HAVING (newest, trace_id) < ({afterTime:DateTime64(9, 'UTC')}, {afterTrace:String})`;
  const rows = await database.query<{ trace_id: string; newest: Timestamp }>(
    `SELECT trace_id, max(started_at) AS newest FROM invocations FINAL
     WHERE ${startedSince('from')} AND ${startedUntil('until')} AND is_deleted = 0
       AND (attribution_kind IN {kinds:Array(String)} OR startsWith(version, '${UNREGISTERED_PREFIX}'))
     GROUP BY trace_id ${beyond} ORDER BY newest DESC, trace_id DESC LIMIT {limit:UInt32}`,
    {
      from,
      until,
      kinds: OPEN_KINDS,
      limit,
      ...(after === null ? {} : { afterTime: after.startedAt, afterTrace: after.traceId }),
    },
  );
  return rows.map((row) => ({ traceId: row.trace_id, startedAt: row.newest }));
}
