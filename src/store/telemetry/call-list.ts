/** Pages of calls, newest first, whatever hardly matches: what one page costs is bounded. */

import type { InvocationFilter, InvocationRow } from '../../contract/invocation-log.ts';
import type { Page, PageOf, TextLog } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, DAY_MS, HOUR_MS } from '../../lib/time.ts';
import { decodeCursor, encodeCursor, pageLimit, toPage } from '../cursor.ts';
import type { Database, QueryParameters } from '../database.ts';
import { startedBefore, startedSince, startedUntil } from './started.ts';
import { INVOCATION_COLUMNS, readableInvocations, type StoredCall } from './invocation-rows.ts';

/** Newest first means that most answers are in the last hours: look there before everywhere. */
const WINDOWS_MS = [HOUR_MS, DAY_MS, 30 * DAY_MS] as const;
const BEGINNING = '1970-01-01T00:00:00.000000000Z' as Timestamp;

/**
 * A page has fewer calls than wanted, or none, and a cursor all the same, where `lookedAtRows` rows and the rest of
 * an hour were gone through for it: then the cursor says how far.
 */
export async function listCalls(
  database: Database,
  texts: TextLog,
  filter: InvocationFilter,
  page: Page,
  lookedAtRows: number,
): Promise<PageOf<InvocationRow>> {
  const limit = pageLimit(page);
  const after = decodeCursor(page, 3);
  const { rows, lookedUntil } = await newestCalls(database, filter, after, limit + 1, lookedAtRows);
  const found = await toPage(rows, limit, keyOf, (some) => readableInvocations(database, texts, some));
  if (found.nextCursor !== null || lookedUntil === null) return found;
  return { ...found, nextCursor: encodeCursor([lookedUntil, '', '']) };
}

interface Calls {
  readonly rows: readonly StoredCall[];
  /** Null: these are enough, or there are no others. */
  readonly lookedUntil: Timestamp | null;
}

async function newestCalls(
  database: Database,
  filter: InvocationFilter,
  after: readonly string[] | null,
  limit: number,
  lookedAtRows: number,
): Promise<Calls> {
  const given = after === null ? filter.to : (after[0] as Timestamp);
  const end = given === undefined ? await newestStart(database) : { to: given, near: given };
  if (end === null) return { rows: [], lookedUntil: null };
  const { to, near } = end;
  const earliest = filter.from ?? BEGINNING;
  // One trace is found by its index, wherever it is.
  if (filter.traceId !== undefined)
    return { rows: await callsBetween(database, filter, earliest, to, after, limit), lookedUntil: null };
  const look = (from: Timestamp): Promise<readonly StoredCall[]> =>
    callsBetween(database, filter, from, to, after, limit);
  const [first, ...later] = WINDOWS_MS.map((windowMs) => addMillis(near, -windowMs));
  if (first !== undefined && first > earliest) {
    const rows = await look(first);
    if (rows.length >= limit) return { rows, lookedUntil: null };
  }
  const lookedUntil = await boundary(database, { from: earliest, to, isLookedAt: after !== null }, lookedAtRows);
  const start = lookedUntil ?? earliest;
  for (const from of later) {
    if (from <= start) break;
    const rows = await look(from);
    if (rows.length >= limit) return { rows, lookedUntil: null };
  }
  const rows = await look(start);
  return { rows, lookedUntil: rows.length >= limit ? null : lookedUntil };
}

/** `isLookedAt`: what started at `to` was looked at before. */
interface Hours {
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly isLookedAt: boolean;
}

/** The hour in which the rows before `to` are as many as may be looked at; null when all are fewer. */
async function boundary(
  database: Database,
  { from, to, isLookedAt }: Hours,
  lookedAtRows: number,
): Promise<Timestamp | null> {
  const [row] = await database.query<{ first: Timestamp; boundary: Timestamp }>(
    `SELECT toDateTime64(min(hour), 9, 'UTC') AS first, toDateTime64(minIf(hour, newer < {rows:UInt64}), 9, 'UTC') AS boundary
     FROM (
       SELECT hour, sum(rows) OVER (ORDER BY hour DESC) - rows AS newer
       FROM (
         SELECT toStartOfHour(started_at) AS hour, count() AS rows FROM invocations
         WHERE ${startedSince('from')} AND ${isLookedAt ? startedBefore('to') : startedUntil('to')} GROUP BY hour
       )
     )`,
    { from, to, rows: lookedAtRows },
  );
  return row === undefined || row.boundary <= row.first || row.boundary <= from ? null : row.boundary;
}

/** `near`: where most of the newest calls are, which a sender whose clock is ahead does not move. */
async function newestStart(database: Database): Promise<{ to: Timestamp; near: Timestamp } | null> {
  const [row] = await database.query<{ rows: string; to: Timestamp; near: Timestamp }>(
    "SELECT count() AS rows, max(started_at) AS to, least(to, now64(9, 'UTC')) AS near FROM invocations",
  );
  return row === undefined || row.rows === '0' ? null : row;
}

function callsBetween(
  database: Database,
  filter: InvocationFilter,
  from: Timestamp,
  to: Timestamp,
  after: readonly string[] | null,
  limit: number,
): Promise<StoredCall[]> {
  const isBefore = after === null && to === filter.to;
  const conditions = [startedSince('from'), isBefore ? startedBefore('to') : startedUntil('to'), 'is_deleted = 0'];
  const parameters: Record<string, QueryParameters[string]> = { from, to };
  for (const [column, value] of [
    ['prompt', filter.prompt],
    ['version', filter.version],
    ['environment', filter.environment],
    ['service', filter.service],
    ['trace_id', filter.traceId],
  ] as const) {
    if (value === undefined) continue;
    conditions.push(`${column} = {${column}:String}`);
    parameters[column] = value;
  }
  if (after !== null) {
    const [startedAt, traceId, spanId] = after as [string, string, string];
    conditions.push(
      "(started_at, trace_id, span_id) < ({afterTime:DateTime64(9, 'UTC')}, {afterTrace:String}, {afterSpan:String})",
    );
    Object.assign(parameters, { afterTime: startedAt, afterTrace: traceId, afterSpan: spanId });
  }
  return database.query<StoredCall>(
    `SELECT ${INVOCATION_COLUMNS} FROM invocations FINAL WHERE ${conditions.join(' AND ')}
     ORDER BY started_at DESC, trace_id DESC, span_id DESC LIMIT ${limit}`,
    parameters,
  );
}

function keyOf(row: StoredCall): readonly string[] {
  return [row.started_at, row.trace_id, row.span_id];
}
