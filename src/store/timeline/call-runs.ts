/**
 * Finds the runs of calls that carried the same content. The engine does, with every call: only the
 * runs come here, and of those that were in use as many as an answer lists.
 */

import { ATTRIBUTION_KINDS } from '../../contract/attribution.ts';
import type { ContentHash } from '../../contract/prompt.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, beginningOfHour, nanosFromTimestamp, timestampFromNanos } from '../../lib/time.ts';
import { GONE_AFTER_MS, type CallRun, type CallWindow } from '../../timeline/used.ts';
import type { Database } from '../database.ts';
import { secondsOf, startedInHours, startedSince, startedUntil } from '../telemetry/started.ts';

/** The parameters of `WINDOW` and `SCOPE`, and which versions of the prompt nobody had registered then. */
export type CallScope = Readonly<Record<'from' | 'to' | 'prompt' | 'environment' | 'knownAt', string>> & {
  readonly later: readonly string[];
};

export interface CallRuns {
  /** Those in use when it was asked for, and of others those of versions, as long as there is room. */
  readonly runs: readonly CallRun[];
  /** How many were in use, and how many of them are in `runs`. */
  readonly found: number;
  readonly listed: number;
}

/** As many as there may be runs of what targets held. */
const RUNS_MAX = 1_000;

export const WINDOW = `${startedSince('from')} AND ${startedUntil('to')}`;

// A call without attribution still belongs to the prompt that its emitter named.
export const SCOPE = `${WINDOW} AND environment = {environment:String}
  AND (prompt = {prompt:String} OR (prompt = '' AND declared_prompt = {prompt:String}))
  AND is_deleted = 0 AND ingested_at <= {knownAt:DateTime64(9, 'UTC')}`;

// A version that was registered later was, by what was known, a text.
const KIND = "if(has({later:Array(String)}, version), 'unknown', attribution_kind)";
// The version, where the text is an instance of it; else the text. Sorting takes its number: texts are long.
const IS_VERSION = `(version != '' AND ${KIND} IN ('declared', 'exact', 'rendered'))`;
const VERSION = `if(${IS_VERSION}, version, '')`;
const TEXT = `if(${IS_VERSION}, '', prompt_hash)`;
const CONTENT = `cityHash64(${VERSION}, ${TEXT})`;

const KINDS = ATTRIBUTION_KINDS.map((kind) => `'${kind}'`).join(', ');

/** Later than any time that is stored. */
const NEVER = 9_223_372_036_854_775_807n;
const LAST = `toInt64(${NEVER})`;
const GONE_AFTER = `${GONE_AFTER_MS}000000`;

const CALLS = `SELECT service, ${IS_VERSION} AS is_version, ${CONTENT} AS content,
    bitShiftLeft(toUInt16(1), indexOf([${KINDS}], ${KIND})) AS kind, toUnixTimestamp64Nano(started_at) AS at
  FROM invocations FINAL WHERE ${SCOPE}`;

/** Each call with the service's calls before and after it. Those at one time have the same neighbours. */
const NEIGHBOURS = `SELECT service, is_version, content, kind, at,
    max(if(previous < at, previous, 0)) OVER so_far AS before, max(next) OVER so_far AS after
  FROM (
    SELECT *, lagInFrame(at, 1, 0) OVER beside AS previous, leadInFrame(at, 1, ${LAST}) OVER beside AS next
    FROM (${CALLS})
    WINDOW beside AS (PARTITION BY service ORDER BY at ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
  )
  WINDOW so_far AS (PARTITION BY service ORDER BY at RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`;

/** What the service calls between two calls with one content is another: only then does a long pause end a run. */
const EDGES = `SELECT *,
    at - lagInFrame(at, 1, at) OVER own > ${GONE_AFTER} AND lagInFrame(after, 1, at) OVER own < at AS begins,
    leadInFrame(at, 1, ${LAST}) OVER own AS next,
    next = ${LAST} OR (next - at > ${GONE_AFTER} AND after < next) AS ends
  FROM (${NEIGHBOURS})
  WINDOW own AS (PARTITION BY service, content ORDER BY at ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)`;

/**
 * The last call of each run, which has seen all others. Grouping would hold every run at once, and
 * texts with a user's name in them make each call one.
 */
const RUNS = `SELECT * FROM (
    SELECT service, is_version, content, ends, min(at) OVER so_far AS first, at AS last,
      toUInt32(count() OVER so_far) AS calls, groupBitOr(kind) OVER so_far AS kinds,
      min(before) OVER so_far AS before, after
    FROM (
      SELECT *, sum(begins) OVER (PARTITION BY service, content ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
      FROM (${EDGES})
    )
    WINDOW so_far AS (PARTITION BY service, content, run ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ) WHERE ends`;

// As `isActive` and `overlaps` in src/timeline/boundary.ts say it. What ends near the edge of the window may go on.
const ENDED_LATER = { at: 'after > {askedFrom:Int64}', range: 'after >= {askedFrom:Int64}' };
const BEGAN_BY = { at: 'first <= {askedTo:Int64}', range: 'before <= {askedTo:Int64}' };

function runsQuery(kind: 'at' | 'range'): string {
  return `SELECT *, toUInt32(countIf(in_use) OVER ()) AS found,
      row_number() OVER (PARTITION BY service, in_use ORDER BY is_version DESC, calls DESC, first DESC, content) AS place
    FROM (
      SELECT service, toString(content) AS content, is_version, first, last, calls, kinds, before, after,
        ${BEGAN_BY[kind]} AND (${ENDED_LATER[kind]} OR last > {unsureAfter:Int64}) AS in_use
      FROM (${RUNS})
    ) WHERE in_use OR is_version
    ORDER BY in_use DESC, place, service LIMIT ${RUNS_MAX}
    SETTINGS do_not_merge_across_partitions_select_final = 1`;
}

interface RunRow {
  readonly service: string;
  readonly content: string;
  readonly in_use: number;
  readonly first: string;
  readonly last: string;
  readonly calls: number;
  readonly kinds: number;
  readonly before: string;
  readonly after: string;
  readonly found: number;
}

/** Those in use at some moment of `asked`; of a single moment, at that one. */
export async function readCallRuns(
  database: Database,
  scope: CallScope,
  asked: { readonly from: Timestamp; readonly to: Timestamp },
  window: CallWindow,
): Promise<CallRuns> {
  const rows = await database.query<RunRow>(runsQuery(asked.from === asked.to ? 'at' : 'range'), {
    ...scope,
    askedFrom: String(nanosFromTimestamp(asked.from)),
    askedTo: String(nanosFromTimestamp(asked.to)),
    unsureAfter: String(window.to === null ? NEVER : nanosFromTimestamp(addMillis(window.to, -GONE_AFTER_MS))),
  });
  const contents = await readContents(database, scope, rows);
  const runs = rows.map((row) => toRun(row, contents.get(row.content)));
  return { runs, found: rows[0]?.found ?? 0, listed: rows.filter((row) => row.in_use === 1).length };
}

interface Content {
  readonly content: string;
  readonly version: string;
  readonly text: ContentHash | '';
}

/** What the numbers mean: of any row with such a number, whichever revision. */
async function readContents(
  database: Database,
  scope: CallScope,
  rows: readonly RunRow[],
): Promise<ReadonlyMap<string, Content>> {
  if (rows.length === 0) return new Map();
  const hours = rows.map(({ first }) => secondsOf(beginningOfHour(toTime(first))));
  const contents = await database.query<Content>(
    `SELECT toString(${CONTENT}) AS content, ${VERSION} AS version, ${TEXT} AS text FROM invocations
     WHERE ${WINDOW} AND ${startedInHours('hours')}
       AND content IN {contents:Array(String)} LIMIT 1 BY content`,
    { ...scope, hours: [...new Set(hours)], contents: [...new Set(rows.map(({ content }) => content))] },
  );
  return new Map(contents.map((each) => [each.content, each]));
}

function toRun(row: RunRow, content: Content | undefined): CallRun {
  const { service, first, last, calls, kinds, before, after } = row;
  return {
    service,
    version: content === undefined || content.version === '' ? null : content.version,
    hash: content === undefined || content.text === '' ? null : content.text,
    attributions: ATTRIBUTION_KINDS.filter((_, index) => (kinds & (1 << (index + 1))) !== 0),
    first: toTime(first),
    last: toTime(last),
    calls,
    before: before === '0' ? null : toTime(before),
    after: after === String(NEVER) ? null : toTime(after),
  };
}

function toTime(nanos: string): Timestamp {
  return timestampFromNanos(BigInt(nanos));
}
