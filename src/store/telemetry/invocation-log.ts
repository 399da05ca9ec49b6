/** Single calls, with their content put together again, and how many calls a drift has touched. */

import type { AffectedContent, InvocationFilter, InvocationLog } from '../../contract/invocation-log.ts';
import type { TextLog } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { OneAtATime } from '../../lib/one-at-a-time.ts';
import { addMillis } from '../../lib/time.ts';
import { decodeCursor, pageLimit, toPage } from '../cursor.ts';
import type { Database, QueryParameters } from '../database.ts';
import { startedBefore, startedSince, startedUntil } from '../started.ts';
import { INVOCATION_COLUMNS, readableInvocations, type StoredCall } from './invocation-rows.ts';
import { reprice } from './reprice.ts';
import { queryUsage } from './usage.ts';

// Up to so many rows are gone through one by one, a second's work; see `affected`.
const EXACT_ROWS_MAX = 1_000_000;

/** `exactRowsMax`: among more rows than these, calls are counted without looking for their newest row. */
export function createInvocationLog(database: Database, texts: TextLog, exactRowsMax = EXACT_ROWS_MAX): InvocationLog {
  const turns = new OneAtATime();
  return {
    list: async (filter, page) => {
      const limit = pageLimit(page);
      const after = decodeCursor(page, 3);
      const rows = await newestCalls(database, filter, after, limit + 1);
      return toPage(rows, limit, keyOf, (some) => readableInvocations(database, texts, some));
    },
    usage: (query) => queryUsage(database, query, { turns }),
    affected: async ({ prompt, environment, service, contents }) => {
      const [since] = contents.map((content) => content.since).toSorted();
      if (since === undefined) return 0;
      const [all] = await database.query<{ rows: string }>(
        `SELECT count() AS rows FROM invocations WHERE ${startedSince('since')}`,
        { since },
      );
      // With FINAL tens of millions take many seconds, while somebody waits for an alert. Without it
      // a call counts twice whose correction is not merged yet: few do.
      const final = Number(all?.rows) > exactRowsMax ? '' : 'FINAL';
      const [row] = await database.query<{ calls: string }>(
        `SELECT count() AS calls FROM invocations ${final}
         WHERE ${startedSince('since')} AND environment = {environment:String} AND is_deleted = 0
           ${service === undefined ? '' : 'AND service = {service:String}'}
           AND (${contents.map(hasContent).join(' OR ')})`,
        {
          prompt,
          environment,
          since,
          ...Object.fromEntries(contents.flatMap(contentParameters)),
          ...(service === undefined ? {} : { service }),
        },
      );
      return Number(row?.calls ?? 0);
    },
    reprice: (from, to, priceOf) => reprice(database, from, to, priceOf),
  };
}

/** A condition whose parameters are `contentParameters` of the same index. */
function hasContent({ until }: AffectedContent, index: number): string {
  return `(started_at >= {since${index}:DateTime64(9, 'UTC')}
    ${until === undefined ? '' : `AND started_at < {until${index}:DateTime64(9, 'UTC')}`}
    AND ((prompt_hash != '' AND prompt_hash = {promptHash${index}:String})
      OR (version != '' AND prompt = {prompt:String} AND version = {version${index}:String})))`;
}

function contentParameters(content: AffectedContent, index: number): readonly (readonly [string, string])[] {
  const { promptHash = '', version = '', since, until } = content;
  return [
    [`promptHash${index}`, promptHash],
    [`version${index}`, version],
    [`since${index}`, since],
    ...(until === undefined ? [] : [[`until${index}`, until] as const]),
  ];
}

const HOUR_MS = 3_600_000;
/** Newest first means that most answers are in the last hours: look there before everywhere. */
const WINDOWS_MS = [HOUR_MS, 24 * HOUR_MS, 30 * 24 * HOUR_MS] as const;
const BEGINNING = '1970-01-01T00:00:00.000000000Z' as Timestamp;

async function newestCalls(
  database: Database,
  filter: InvocationFilter,
  after: readonly string[] | null,
  limit: number,
): Promise<readonly StoredCall[]> {
  const given = after === null ? filter.to : (after[0] as Timestamp);
  const end = given === undefined ? await newestStart(database) : { to: given, near: given };
  if (end === null) return [];
  const { to, near } = end;
  const earliest = filter.from ?? BEGINNING;
  // One trace is found by its index, wherever it is.
  const windows = filter.traceId === undefined ? WINDOWS_MS : [];
  for (const windowMs of windows) {
    const from = addMillis(near, -windowMs);
    if (from <= earliest) break;
    const rows = await callsBetween(database, filter, from, to, after, limit);
    if (rows.length >= limit) return rows;
  }
  return callsBetween(database, filter, earliest, to, after, limit);
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
