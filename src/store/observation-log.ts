/** What polls established, appended. Texts go through the text log, before what refers to them. */

import type { Observation } from '../contract/observation.ts';
import type { ContentHash } from '../contract/prompt.ts';
import type {
  LastLook,
  LatestObservation,
  ObservationFilter,
  ObservationLog,
  Page,
  PageOf,
  TextLog,
} from '../contract/store.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import { canonicalBody } from '../text/body.ts';
import type { Trail } from './audit/trail.ts';
import { decodeCursor, pageLimit, toPage } from './cursor.ts';
import type { Database, QueryParameters } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { jsonLines } from './json-lines.ts';
import { OBSERVATION_COLUMNS, toObservation, toObservationRow, type ObservationRow } from './observation-rows.ts';

const BATCH_ROWS_MAX = 10_000;

export function createObservationLog(database: Database, texts: TextLog, trail: Trail): ObservationLog {
  const append = groupCommit<Observation>(BATCH_ROWS_MAX, async (observations) => {
    await texts.put(bodiesOf(observations));
    for (let start = 0; start < observations.length; start += BATCH_ROWS_MAX) {
      const rows = observations.slice(start, start + BATCH_ROWS_MAX).map(toObservationRow);
      const mark = trail.observing();
      const lines = jsonLines(rows.map((row) => ({ ...row, audit_segment: mark.segment, audit_batch: mark.batch })));
      try {
        await database.insertJsonLines('observations', lines);
      } catch (error) {
        trail.notObserved(mark);
        throw error;
      }
      trail.observed(mark, rows);
      await database.insertJsonLines('latest_observations', lines);
    }
  });
  return {
    append,
    latest: () => readLatest(database, texts),
    lastLooks: (targets) => readLastLooks(database, targets),
    list: (filter, page) => readPage(database, texts, filter, page),
    changeInterval: (target, part, strict) => readChangeInterval(database, target, part, strict),
    changedSince: (targets, since) =>
      database.query<{ target: string; part: string }>(
        `SELECT target, part FROM observations
         WHERE target IN {targets:Array(String)} AND observed_at >= {since:DateTime64(9, 'UTC')} AND answered
         GROUP BY target, part HAVING uniqExact(strict_hash) > 1`,
        { targets, since },
      ),
  };
}

function bodiesOf(observations: readonly Observation[]): ReadonlyMap<ContentHash, string> {
  const bodies = new Map<ContentHash, string>();
  for (const observation of observations) {
    if (observation.outcome === 'held') bodies.set(observation.hashes.strict, canonicalBody(observation.body));
  }
  return bodies;
}

async function withBodies(texts: TextLog, rows: readonly ObservationRow[]): Promise<readonly Observation[]> {
  const hashes = rows.filter((row) => row.outcome === 'held').map((row) => row.strict_hash as ContentHash);
  const bodies = await texts.get(hashes);
  return rows.map((row) => toObservation(row, bodies));
}

async function readLatest(database: Database, texts: TextLog): Promise<readonly LatestObservation[]> {
  const rows = await database.query<ObservationRow>(
    `SELECT ${OBSERVATION_COLUMNS} FROM latest_observations FINAL ORDER BY target, part, observed_at`,
  );
  const observations = await withBodies(texts, rows);
  const latest = new Map<string, LatestObservation>();
  // In the order of time: a later one replaces the last, and the last answered if it is an answer.
  for (const observation of observations) {
    const { target, part } = observation;
    const key = JSON.stringify([target, part]);
    const lastAnswered = observation.outcome === 'unreachable' ? (latest.get(key)?.lastAnswered ?? null) : observation;
    latest.set(key, { target, part, last: observation, lastAnswered });
  }
  return [...latest.values()];
}

async function readLastLooks(database: Database, targets: readonly string[]): Promise<readonly LastLook[]> {
  const rows = await database.query<{
    target: string;
    part: string;
    looked_at: Timestamp;
    answered_at: Timestamp | null;
  }>(
    `SELECT target, part, max(observed_at) AS looked_at, maxOrNullIf(observed_at, answered) AS answered_at
     FROM latest_observations WHERE target IN {targets:Array(String)} GROUP BY target, part`,
    { targets },
  );
  return rows.map((row) => ({
    target: row.target,
    part: row.part,
    lookedAt: row.looked_at,
    answeredAt: row.answered_at,
  }));
}

async function readPage(
  database: Database,
  texts: TextLog,
  filter: ObservationFilter,
  page: Page,
): Promise<PageOf<Observation>> {
  const limit = pageLimit(page);
  const after = decodeCursor(page, 3);
  const conditions = ['1'];
  const parameters: Record<string, QueryParameters[string]> = {};
  const where = (condition: string, name: string, value: string | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    parameters[name] = value;
  };
  where('target = {target:String}', 'target', filter.target);
  where('prompt = {prompt:String}', 'prompt', filter.prompt);
  where('environment = {environment:String}', 'environment', filter.environment);
  where("observed_at >= {from:DateTime64(9, 'UTC')}", 'from', filter.from);
  where("observed_at <= {to:DateTime64(9, 'UTC')}", 'to', filter.to);
  if (after !== null) {
    const [at = '', target = '', part = ''] = after;
    conditions.push(
      "(observed_at, target, part) < ({afterTime:DateTime64(9, 'UTC')}, {afterTarget:String}, {afterPart:String})",
    );
    Object.assign(parameters, { afterTime: at, afterTarget: target, afterPart: part });
  }
  const rows = await readNewest(database, conditions.join(' AND '), parameters, limit + 1);
  return toPage(
    rows,
    limit,
    (row) => [row.observed_at, row.target, row.part],
    (some) => withBodies(texts, some),
  );
}

/**
 * Rows are sorted and told apart only from the time on that so many have: of all that was ever seen
 * that takes gigabytes. What was stored twice counts there twice, so it may take another look.
 */
async function readNewest(
  database: Database,
  conditions: string,
  parameters: QueryParameters,
  limit: number,
): Promise<readonly ObservationRow[]> {
  for (let candidates = limit; ; candidates *= 2) {
    const [newest] = await database.query<{ found: string; since: Timestamp }>(
      `SELECT count() AS found, min(at) AS since FROM (
         SELECT observed_at AS at FROM observations WHERE ${conditions} ORDER BY at DESC LIMIT {candidates:UInt64}
       )`,
      { ...parameters, candidates },
    );
    if (newest === undefined || newest.found === '0') return [];
    const rows = await database.query<ObservationRow>(
      `SELECT ${OBSERVATION_COLUMNS} FROM observations
       WHERE ${conditions} AND observed_at >= {since:DateTime64(9, 'UTC')}
       ORDER BY observed_at DESC, target DESC, part DESC
       LIMIT 1 BY target, part, observed_at LIMIT {limit:UInt32}`,
      { ...parameters, since: newest.since, limit },
    );
    if (rows.length >= limit || Number(newest.found) < candidates) return rows;
  }
}

/** Of the newest run of that content, or of nothing: what came after it does not matter. */
async function readChangeInterval(
  database: Database,
  target: string,
  part: string,
  strict: ContentHash | null,
): Promise<TimeInterval> {
  const [row] = await database.query<{ other_seen: Timestamp | null; first_this: Timestamp | null }>(
    `WITH
       (SELECT maxOrNull(observed_at) FROM observations
        WHERE target = {target:String} AND part = {part:String} AND answered AND strict_hash = {strict:String}) AS last_this,
       (SELECT maxOrNull(observed_at) FROM observations
        WHERE target = {target:String} AND part = {part:String} AND answered
          AND strict_hash != {strict:String} AND observed_at < last_this) AS last_other,
       (SELECT any(asked_at) FROM observations
        WHERE target = {target:String} AND part = {part:String} AND observed_at = last_other) AS other_asked
     SELECT ifNull(other_asked, last_other) AS other_seen, minOrNull(observed_at) AS first_this FROM observations
     WHERE target = {target:String} AND part = {part:String} AND answered AND strict_hash = {strict:String}
       AND (last_other IS NULL OR observed_at > last_other)`,
    { target, part, strict: strict ?? '' },
  );
  return [row?.other_seen ?? null, row?.first_this ?? null];
}
