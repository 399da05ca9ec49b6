/** Where telemetry is written, and where the ingest reads its own facts back. */

import type { ContentHash } from '../../contract/prompt.ts';
import type {
  FactLimits,
  QuarantineEntry,
  Received,
  Sighting,
  StoredFacts,
  StoredInvocation,
  TelemetryLog,
} from '../../contract/telemetry-log.ts';
import type { AttributionKind } from '../../contract/attribution.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Database } from '../database.ts';
import { readTexts } from '../text-log.ts';
import { readMessageLists } from './message-lists.ts';
import { PRICED_COLUMNS, toStoredPrice, type PricedRow } from './priced-rows.ts';

interface FactsRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly record_id: string;
  readonly response_id: string;
  readonly started_at: Timestamp;
  readonly facts: string;
}

interface InvocationKeyRow extends PricedRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at: Timestamp;
  readonly ingested_at: Timestamp;
  readonly prompt_hash: string;
  readonly variables_hash: string;
  readonly content_hash: string;
  readonly attribution_kind: AttributionKind;
  readonly prompt: string;
  readonly version: string;
  readonly owner: string;
  readonly revision: string;
  readonly is_deleted: number;
}

interface SightingRow {
  readonly replica: string;
  readonly number: string;
  readonly traces: readonly string[];
  readonly keys: readonly string[];
  readonly received_first: Timestamp;
  readonly received_last: Timestamp;
  readonly repriced: readonly Timestamp[];
}

/** Settling waits for the answers. */
type Ask = Database['queryAhead'];

const QUARANTINE_COLUMNS = 'id, at, kind, lane, reason, payload, status';

export function createTelemetryLog(database: Database): TelemetryLog {
  const ask: Ask = (sql, parameters) => database.queryAhead(sql, parameters);
  return {
    insertLines: (lane, lines) => database.insertJsonLines(lane, lines),

    factsOfTraces: (traceIds, limits, received) => factsOfTraces(ask, traceIds, limits, received),
    sizeOfTrace: (traceId) => sizeOfTrace(ask, traceId),

    factsSharing: async (column, values, since) => {
      const rows = await ask<FactsRow>(
        // What they said is read of the newest few alone: some servers give every response the same id.
        `SELECT trace_id, span_id, record_id, response_id, started_at, facts FROM span_facts
         WHERE ${column} IN {values:Array(String)} AND (trace_id, span_id, record_id) IN (
           SELECT trace_id, span_id, record_id FROM span_facts
           WHERE ${column} IN {values:Array(String)} AND ${RECEIVED_SINCE}
           ORDER BY received_at DESC LIMIT ${FACTS_PER_KEY} BY ${column})`,
        { values, since },
      );
      return rows.map(toFacts);
    },

    invocationsOfTraces: async (traceIds) => {
      const rows = await ask<InvocationKeyRow>(
        `SELECT trace_id, span_id, started_at, ingested_at, prompt_hash, variables_hash, content_hash,
           attribution_kind, prompt, version, owner, revision, is_deleted, ${PRICED_COLUMNS}
         FROM invocations FINAL
         WHERE trace_id IN {ids:Array(String)}`,
        { ids: traceIds },
      );
      let highest = 0n;
      for (const { revision } of rows) if (BigInt(revision) > highest) highest = BigInt(revision);
      return { calls: rows.filter((row) => row.is_deleted === 0).map(toStoredInvocation), revision: highest };
    },

    recentTraces: async (since, limit) => {
      const rows = await ask<{ trace_id: string; newest: Timestamp }>(
        `SELECT trace_id, max(received_at) AS newest FROM span_facts
         WHERE ${RECEIVED_SINCE} AND trace_id != ''
         GROUP BY trace_id ORDER BY newest DESC LIMIT ${Math.floor(limit)}`,
        { since },
      );
      return rows.map((row) => ({ traceId: row.trace_id, receivedAt: row.newest }));
    },

    recentShared: (since, limit) => recentShared(ask, since, limit),

    sightings: (replica, withinSeconds, known) => readSightings(ask, replica, withinSeconds, known),

    highestRevision: async () => {
      const [row] = await ask<{ revision: string }>('SELECT max(revision) AS revision FROM invocations');
      return BigInt(row?.revision ?? 0);
    },

    distrustUsage: (sinceRevision) =>
      database.command(
        // Calls of before there was a count are counted once. A count that begins anew begins above
        // all counts that hours were added up at: replaced rows are merged away in time, so it could
        // else meet one of them again.
        `INSERT INTO usage_changes
         WITH (SELECT count() FROM usage_changes) = 0 AS begins
         SELECT toStartOfHour(started_at) AS hour,
           count() + if(begins, (SELECT max(rows) FROM usage_hours), 0) AS rows, now('UTC') AS at
         FROM invocations WHERE revision >= {since:UInt64} OR begins GROUP BY hour`,
        { since: String(sinceRevision) },
      ),
    messageLists: (hashes) => readMessageLists(ask, hashes),
    texts: (hashes: readonly ContentHash[]) => readTexts(ask, hashes),

    quarantined: (status, limit) =>
      database.query<QuarantineEntry>(
        `SELECT ${QUARANTINE_COLUMNS} FROM quarantine FINAL
         WHERE {status:String} = 'any' OR status = {status:String} ORDER BY at DESC LIMIT ${Math.floor(limit)}`,
        { status },
      ),

    quarantineEntry: async (id) => {
      const [entry] = await database.query<QuarantineEntry>(
        `SELECT ${QUARANTINE_COLUMNS} FROM quarantine FINAL WHERE id = {id:String}`,
        { id },
      );
      return entry ?? null;
    },
  };
}

// About a megabyte each at most; the rest comes with the next look.
const SIGHTINGS_MAX = 50;
// One key ties few traces together; see TraceWindow.
const FACTS_PER_KEY = 32;

/** With the same condition on the day, which is what the table is partitioned by. */
const RECEIVED_SINCE =
  "received_at >= {since:DateTime64(9, 'UTC')} AND toDate(received_at) >= toDate({since:DateTime64(9, 'UTC')})";

/** With the day as well, as above. */
const RECEIVED_WITHIN = `
         AND received_at BETWEEN {first:DateTime64(9, 'UTC')} AND {last:DateTime64(9, 'UTC')}
         AND toDate(received_at) BETWEEN toDate({first:DateTime64(9, 'UTC')}) AND toDate({last:DateTime64(9, 'UTC')})`;

async function factsOfTraces(
  ask: Ask,
  traceIds: readonly string[],
  { factsMax, bytesEachMax }: FactLimits,
  received: Received | undefined,
): Promise<readonly StoredFacts[] | null> {
  const rows = await ask<FactsRow & { readonly is_long: 0 | 1 }>(
    // What was loaded twice, and not merged yet, counts once.
    `SELECT trace_id, span_id, record_id, response_id, started_at,
       length(f.facts) > {bytes:UInt64} AS is_long, if(is_long, '', f.facts) AS facts FROM (
       SELECT *, variant FROM span_facts WHERE trace_id IN {ids:Array(String)}${received === undefined ? '' : RECEIVED_WITHIN}
       LIMIT 1 BY trace_id, span_id, record_id, variant
     ) AS f
     WHERE trace_id IN {ids:Array(String)}
     ORDER BY trace_id, span_id, record_id, variant LIMIT ${Math.floor(factsMax) + 1}`,
    { ids: traceIds, bytes: Math.floor(bytesEachMax), ...received },
  );
  return rows.length > factsMax || rows.some((row) => row.is_long === 1) ? null : rows.map(toFacts);
}

async function sizeOfTrace(ask: Ask, traceId: string): Promise<{ readonly facts: number; readonly bytes: number }> {
  const [row] = await ask<{ facts: string; bytes: string }>(
    `SELECT count() AS facts, sum(bytes) AS bytes FROM (
       SELECT any(length(facts)) AS bytes FROM span_facts WHERE trace_id = {id:String}
       GROUP BY span_id, record_id, variant)`,
    { id: traceId },
  );
  return { facts: Number(row?.facts ?? 0), bytes: Number(row?.bytes ?? 0) };
}

async function recentShared(ask: Ask, since: Timestamp, limit: number): ReturnType<TelemetryLog['recentShared']> {
  const rows = await ask<{ response_id: string; twin_key: string; received_at: Timestamp }>(
    `SELECT response_id, twin_key, received_at FROM span_facts
     WHERE ${RECEIVED_SINCE} AND (response_id != '' OR twin_key != '')
     ORDER BY received_at DESC LIMIT ${Math.floor(limit)}`,
    { since },
  );
  return rows.map((row) => ({ responseId: row.response_id, twinKey: row.twin_key, receivedAt: row.received_at }));
}

function toFacts(row: FactsRow): StoredFacts {
  const { trace_id: traceId, span_id: spanId, record_id: recordId, response_id: responseId } = row;
  return { traceId, spanId, recordId, responseId, startedAt: row.started_at, facts: row.facts };
}

function toStoredInvocation(row: InvocationKeyRow): StoredInvocation {
  return {
    traceId: row.trace_id,
    spanId: row.span_id,
    startedAt: row.started_at,
    ingestedAt: row.ingested_at,
    promptHash: row.prompt_hash,
    variablesHash: row.variables_hash,
    contentHash: row.content_hash,
    attributed: {
      kind: row.attribution_kind,
      prompt: row.prompt === '' ? null : row.prompt,
      version: row.version === '' ? null : row.version,
      owner: row.owner === '' ? null : row.owner,
    },
    priced: toStoredPrice(row),
  };
}

async function readSightings(
  ask: Ask,
  replica: string,
  withinSeconds: number,
  known: readonly string[],
): Promise<readonly Sighting[]> {
  const rows = await ask<SightingRow>(
    `SELECT replica, number, traces, keys, received_first, received_last, repriced FROM sightings
     PREWHERE at > now64(3, 'UTC') - toIntervalSecond({seconds:UInt32}) AND replica != {replica:String}
       AND concat(replica, '/', toString(number)) NOT IN {known:Array(String)}
     ORDER BY at, replica, number LIMIT ${SIGHTINGS_MAX}`,
    { replica, seconds: Math.ceil(withinSeconds), known },
  );
  return rows.map(({ number, received_first: first, received_last: last, repriced: [from, to], ...row }) => ({
    ...row,
    number: Number(number),
    received: { first, last },
    repriced: from === undefined || to === undefined ? null : { from, to },
  }));
}
