/**
 * Reads what traffic carried. Calls may be millions a day, so the window adapts: as wide as can be
 * read in about a second, and the answer says where it ends.
 */

import type { ContentHash } from '../contract/prompt.ts';
import type { UsedEntry } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { addMillis, millisBetween } from '../lib/time.ts';
import { usedEntries, type CallBucket } from '../timeline/used.ts';
import type { Database } from './database.ts';

export interface UsedQuestion {
  readonly prompt: string;
  readonly environment: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly knownAt: Timestamp;
}

const HOUR_MS = 3_600_000;
/** How far around the question calls are read, widest first. */
const MARGINS_MS = [30 * 24 * HOUR_MS, 7 * 24 * HOUR_MS, 24 * HOUR_MS, 6 * HOUR_MS, HOUR_MS, HOUR_MS / 6] as const;
// Rows of all prompts, since the table is ordered by time: about a second on two cores.
const ROWS_MAX = 2_000_000;

/** Up to this many calls are looked at one by one; more are gathered into as many slots. */
const SLOTS = 1_000;
/** Texts that are no registered version, by number of calls. Beyond these they are noise, e.g. a text with the user's name in it. */
const UNREGISTERED_TEXTS_MAX = 20;
const BUCKETS_MAX = 20_000;

const WINDOW = `started_at >= {from:DateTime64(9, 'UTC')} AND started_at <= {to:DateTime64(9, 'UTC')}
  AND toStartOfHour(started_at) >= toStartOfHour({from:DateTime64(9, 'UTC')})
  AND toStartOfHour(started_at) <= toStartOfHour({to:DateTime64(9, 'UTC')})`;

// A call without attribution still belongs to the prompt that its emitter named.
const SCOPE = `${WINDOW} AND environment = {environment:String}
  AND (prompt = {prompt:String} OR (prompt = '' AND declared_prompt = {prompt:String}))
  AND is_deleted = 0 AND ingested_at <= {knownAt:DateTime64(9, 'UTC')}`;

const REGISTERED = "(version != '' AND attribution_kind IN ('declared', 'exact', 'rendered'))";

const SETTINGS = 'SETTINGS do_not_merge_across_partitions_select_final = 1';

export async function readUsed(database: Database, question: UsedQuestion): Promise<readonly UsedEntry[]> {
  const window = await chooseWindow(database, question);
  const parameters = {
    from: window.from,
    to: window.to,
    prompt: question.prompt,
    environment: question.environment,
    knownAt: question.knownAt,
  };
  const calls = await countCalls(database, parameters);
  if (calls === 0) return [];
  const slotNanos =
    calls <= SLOTS ? '1' : String((BigInt(millisBetween(window.from, window.to)) * 1_000_000n) / BigInt(SLOTS) + 1n);
  const rows = await database.query<BucketRow>(
    `WITH top AS (
       SELECT prompt_hash FROM invocations FINAL WHERE ${SCOPE} AND NOT ${REGISTERED}
       GROUP BY prompt_hash ORDER BY count() DESC LIMIT ${UNREGISTERED_TEXTS_MAX}
     )
     SELECT service, if(${REGISTERED}, version, '') AS registered, if(${REGISTERED}, '', prompt_hash) AS hash,
       any(attribution_kind) AS attribution, min(started_at) AS first, max(started_at) AS last,
       toUInt32(count()) AS calls, toUInt32(uniqExact(instance)) AS instances
     FROM invocations FINAL WHERE ${SCOPE} AND (${REGISTERED} OR prompt_hash IN top)
     GROUP BY service, registered, hash, intDiv(toUnixTimestamp64Nano(started_at), {slotNanos:Int64})
     ORDER BY first LIMIT ${BUCKETS_MAX} ${SETTINGS}`,
    { ...parameters, slotNanos },
  );
  const to = window.to < question.knownAt ? window.to : null;
  return usedEntries(rows.map(toBucket), { from: window.from, to });
}

interface BucketRow {
  readonly service: string;
  readonly registered: string;
  readonly hash: ContentHash | '';
  readonly attribution: string;
  readonly first: Timestamp;
  readonly last: Timestamp;
  readonly calls: number;
  readonly instances: number;
}

function toBucket(row: BucketRow): CallBucket {
  const { service, attribution, first, last, calls, instances } = row;
  return {
    service,
    version: row.registered === '' ? null : row.registered,
    hash: row.hash === '' ? null : row.hash,
    attribution,
    first,
    last,
    calls,
    instances,
  };
}

async function chooseWindow(
  database: Database,
  { from, to, knownAt }: UsedQuestion,
): Promise<{ readonly from: Timestamp; readonly to: Timestamp }> {
  for (const marginMs of MARGINS_MS) {
    const window = { from: addMillis(from, -marginMs), to: min(addMillis(to, marginMs), knownAt) };
    const [row] = await database.query<{ rows: string }>(
      `SELECT count() AS rows FROM invocations WHERE ${WINDOW}`,
      window,
    );
    if (Number(row?.rows ?? 0) <= ROWS_MAX || marginMs === MARGINS_MS.at(-1)) return window;
  }
  return { from, to };
}

async function countCalls(database: Database, parameters: Readonly<Record<string, string>>): Promise<number> {
  const [row] = await database.query<{ calls: string }>(
    `SELECT count() AS calls FROM invocations FINAL WHERE ${SCOPE} ${SETTINGS}`,
    parameters,
  );
  return Number(row?.calls ?? 0);
}

function min(a: Timestamp, b: Timestamp): Timestamp {
  return a < b ? a : b;
}
