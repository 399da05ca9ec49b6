/** Reads what targets held. Days of one state come as one row each, so that a year of polls is a few hundred rows. */

import { Fault } from '../../contract/fault.ts';
import type { ContentHash } from '../../contract/prompt.ts';
import type { HeldEntry } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { chunks } from '../../lib/chunks.ts';
import { overlaps, isActive } from '../../timeline/boundary.ts';
import { heldEntry, lastSeenFrom, type RunDetail, runsOf, type Sighting, type Unseen } from '../../timeline/held.ts';
import type { Database } from '../database.ts';
import { AROUND, type Candidate, KEY, keyOf, type Parameters, RUNS, runKey } from './held-runs.ts';
import { NEVER, readUnseen } from './unseen.ts';

export interface HeldQuestion {
  readonly prompt: string;
  readonly environment: string;
  readonly target: string | undefined;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly knownAt: Timestamp;
}

export interface HeldAnswer {
  readonly entry: HeldEntry;
  readonly bodyKind: string;
  readonly transport: string;
  readonly cosmetic: string;
}

const RUNS_MAX = 1_000;
/** Asked about with one query: as many as go into an address, in which a server gets its parameters. */
const RUNS_AT_ONCE = 200;

// What makes two observations the same: what was there, and how it is set. A pointer may move, and
// a source may renumber, without a change of content.
const STATE = "concat(outcome, ' ', strict_hash, ' ', settings)";

const ASKED = 'ifNull(asked_at, observed_at)';

const SCOPE = `prompt = {prompt:String} AND environment = {environment:String}
  AND ({target:String} = '' OR target = {target:String})
  AND target IN (SELECT target FROM latest_observations WHERE prompt = {prompt:String} AND environment = {environment:String})
  AND observed_at <= {knownAt:DateTime64(9, 'UTC')}`;

/** A page of targets and their parts. */
export interface HeldPage {
  /** As `keyOf` writes it; null: from the first. */
  readonly after: string | null;
  readonly parts: number;
}

interface HeldAnswers {
  readonly answers: readonly HeldAnswer[];
  /** The last that was looked at, where others come after it. */
  readonly next: { readonly target: string; readonly part: string } | null;
}

/** All runs that overlap [from, to], or with from = to the one that was active then. */
export async function readHeld(
  database: Database,
  question: HeldQuestion,
  page: HeldPage | null = null,
): Promise<HeldAnswers> {
  const parameters = {
    prompt: question.prompt,
    environment: question.environment,
    target: question.target ?? '',
    knownAt: question.knownAt,
  };
  const sightings = await readSightings(database, parameters);
  const { parts, next } = pageOf(runsOf(sightings), page);
  const candidates = parts.flatMap((runs) => runsNear(runs, question));
  if (page === null && candidates.length > RUNS_MAX) {
    throw new Fault('permanent', `${question.prompt} held more than ${RUNS_MAX} contents in that range.`, {
      hint: 'Ask for a shorter range, or for one `target`.',
    });
  }
  const answers: HeldAnswer[] = [];
  for (const some of chunks(candidates, RUNS_AT_ONCE)) {
    for (const answer of await readAnswers(database, some, question)) {
      const fits =
        question.from === question.to
          ? isActive(answer.entry, question.from)
          : overlaps(answer.entry, question.from, question.to);
      if (fits) answers.push(answer);
    }
  }
  return { answers, next };
}

/** `parts`: the runs of each target and part. */
function pageOf(
  parts: readonly (readonly Sighting[])[],
  page: HeldPage | null,
): { readonly parts: readonly (readonly Sighting[])[]; readonly next: HeldAnswers['next'] } {
  if (page === null) return { parts, next: null };
  const inOrder = parts
    .flatMap((runs) => (runs[0] === undefined ? [] : [{ runs, run: runs[0], key: keyOf(runs[0]) }]))
    .filter(({ key }) => page.after === null || key > page.after)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const wanted = inOrder.slice(0, page.parts);
  const last = wanted.at(-1);
  const isMore = inOrder.length > wanted.length && last !== undefined;
  return {
    parts: wanted.map(({ runs }) => runs),
    next: isMore ? { target: last.run.target, part: last.run.part } : null,
  };
}

async function readSightings(
  database: Database,
  parameters: Readonly<Record<string, string>>,
): Promise<readonly Sighting[]> {
  const days = await database.query<Sighting & { readonly day: string; readonly states: string }>(
    `SELECT target, part, toString(toDate(observed_at)) AS day, uniqExact(${STATE}) AS states, any(${STATE}) AS state,
       min(observed_at) AS first, max(observed_at) AS last, argMax(${ASKED}, observed_at) AS lastAsked, toUInt32(uniqExact(observed_at)) AS count
     FROM observations WHERE ${SCOPE} AND answered GROUP BY target, part, day`,
    parameters,
  );
  const mixed = days.filter((day) => day.states !== '1');
  if (mixed.length === 0) return days;
  // Each day for itself: two of them may have days of one other state in between, which are not read here.
  const runs = await database.query<Sighting>(
    `SELECT target, part, any(state) AS state, min(at) AS first, max(at) AS last, argMax(asked, at) AS lastAsked,
       toUInt32(uniqExact(at)) AS count FROM (
       SELECT target, part, day, at, asked, state, sum(changed) OVER (PARTITION BY target, part, day ORDER BY at, state) AS run
       FROM (
         SELECT target, part, toDate(observed_at) AS day, observed_at AS at, ${ASKED} AS asked, ${STATE} AS state,
           state != lagInFrame(state) OVER (PARTITION BY target, part, day ORDER BY at, state
             ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS changed
         FROM observations WHERE ${SCOPE} AND answered
           AND concat(target, '\\n', part, '\\n', toString(toDate(observed_at))) IN {days:Array(String)}
       )
     ) GROUP BY target, part, day, run`,
    { ...parameters, days: mixed.map(({ target, part, day }) => `${target}\n${part}\n${day}`) },
  );
  return [...days.filter((day) => day.states === '1'), ...runs];
}

/** The runs of one target that may matter: those that begin and end near enough, whatever the details say. */
function runsNear(runs: readonly Sighting[], { from, to }: HeldQuestion): readonly Candidate[] {
  return runs.flatMap((run, index) => {
    const previous = runs[index - 1] ?? null;
    const next = runs[index + 1] ?? null;
    const outside = (previous !== null && lastSeenFrom(previous) > to) || (next !== null && next.first < from);
    return outside ? [] : [{ run, previous, next }];
  });
}

const NOTHING_UNSEEN: Unseen = { edits: 0, edit: null, gaps: [] };

interface DetailRow {
  readonly key: string;
  readonly observed_at: Timestamp;
  readonly outcome: 'held' | 'missing';
  readonly strict_hash: ContentHash | '';
  readonly transport_hash: string;
  readonly cosmetic_hash: string;
  readonly body_kind: string;
  readonly source: string;
  readonly source_version: string | null;
  readonly pointer_name: string | null;
  readonly pointer_value: string | null;
  readonly edited_at: Timestamp | null;
  readonly edited_by: string | null;
  readonly share: number | null;
  readonly reason: string;
}

async function readAnswers(
  database: Database,
  candidates: readonly Candidate[],
  { from, to, knownAt }: HeldQuestion,
): Promise<readonly HeldAnswer[]> {
  const untils = candidates.map(({ next }) => next?.first ?? knownAt);
  const firsts = candidates.map(({ run }) => run.first);
  const asked = from === to ? from : null;
  const parameters = {
    targets: [...new Set(candidates.map(({ run }) => run.target))],
    keys: candidates.map(({ run }) => keyOf(run)),
    firsts,
    lasts: candidates.map(({ run }) => run.last),
    untils,
    earliest: firsts.reduce((a, b) => (a < b ? a : b)),
    latest: untils.reduce((a, b) => (a > b ? a : b)),
    // Of a period nothing is asked about one moment of it: none lies around this one.
    asked: asked ?? NEVER,
  };
  const details = await readDetails(database, parameters);
  const shares = asked === null ? new Map<string, RunDetail['share']>() : await readShares(database, parameters);
  const failed = await readFailed(database, parameters);
  const unseen = await readUnseen(database, parameters, candidates, asked);
  return candidates.flatMap(({ run, previous, next }) => {
    const key = runKey(keyOf(run), run.first);
    const first = details.get(key);
    const following = next === null ? undefined : details.get(runKey(keyOf(run), next.first));
    if (first === undefined) return [];
    const share = shares.get(keyOf(run)) ?? null;
    const detail = toDetail(first);
    const entry = heldEntry({
      run,
      detail: share !== null && share.at >= run.first && share.at <= run.last ? { ...detail, share } : detail,
      previous,
      next: next === null || following === undefined ? null : { run: next, detail: toDetail(following) },
      failedPollsAfter: failed.get(key) ?? 0,
      unseen: unseen.get(key) ?? NOTHING_UNSEEN,
    });
    return [{ entry, bodyKind: first.body_kind, transport: first.transport_hash, cosmetic: first.cosmetic_hash }];
  });
}

/** Of the first observation of each run, and of the one that follows it. */
async function readDetails(database: Database, parameters: Parameters): Promise<ReadonlyMap<string, DetailRow>> {
  const rows = await database.query<DetailRow>(
    `SELECT ${KEY} AS key, observed_at, outcome, strict_hash, transport_hash, cosmetic_hash, body_kind, source,
       source_version, pointer_name, pointer_value, edited_at, edited_by, share, reason
     FROM observations
     WHERE ${AROUND} AND answered
       AND (${KEY}, observed_at) IN (SELECT key, arrayJoin([first, until]) FROM ${RUNS})
     LIMIT 1 BY key, observed_at`,
    parameters,
  );
  return new Map(rows.map((row) => [runKey(row.key, row.observed_at), row]));
}

/** Polls without an answer after each run's last sighting and before the next answer. */
async function readFailed(database: Database, parameters: Parameters): Promise<ReadonlyMap<string, number>> {
  const rows = await database.query<{ key: string; first: Timestamp; polls: string }>(
    `SELECT key, first, uniqExact(observed_at) AS polls
     FROM (
       SELECT ${KEY} AS key, observed_at FROM observations WHERE ${AROUND} AND outcome = 'unreachable'
     ) AS failed
     ASOF JOIN ${RUNS} AS runs ON failed.key = runs.key AND failed.observed_at > runs.last
     WHERE observed_at <= until
     GROUP BY key, first`,
    parameters,
  );
  return new Map(rows.map((row) => [runKey(row.key, row.first), Number(row.polls)]));
}

/** What part of the traffic each had by the time that is asked about. */
async function readShares(
  database: Database,
  parameters: Parameters,
): Promise<ReadonlyMap<string, RunDetail['share']>> {
  const rows = await database.query<{ key: string; at: Timestamp; share: number | null }>(
    // In a tuple, so that one without a share is not passed over.
    `SELECT ${KEY} AS key, max(observed_at) AS at, argMax(tuple(share), observed_at).1 AS share
     FROM observations
     WHERE ${AROUND} AND outcome = 'held' AND observed_at <= {asked:DateTime64(9, 'UTC')} GROUP BY key`,
    parameters,
  );
  return new Map(rows.map(({ key, at, share }) => [key, share === null ? null : { part: share, at }]));
}

function toDetail(row: DetailRow): RunDetail {
  return {
    state: row.outcome,
    hash: row.strict_hash === '' ? null : row.strict_hash,
    source: row.source,
    sourceVersion: row.source_version,
    pointer: row.pointer_name === null ? null : { name: row.pointer_name, value: row.pointer_value ?? '' },
    editedAt: row.edited_at,
    editedBy: row.edited_by,
    share: row.share === null ? null : { part: row.share, at: row.observed_at },
    reason: row.reason,
  };
}
