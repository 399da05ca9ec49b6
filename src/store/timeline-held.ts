/** Reads what targets held. Days of one state come as one row each, so that a year of polls is a few hundred rows. */

import { Fault } from '../contract/fault.ts';
import type { ContentHash } from '../contract/prompt.ts';
import type { HeldEntry } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { chunks } from '../lib/chunks.ts';
import { overlaps, isActive } from '../timeline/boundary.ts';
import { heldEntry, runsOf, type RunDetail, type RunInContext, type Sighting, type Unseen } from '../timeline/held.ts';
import type { Database } from './database.ts';

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
    for (const answer of await readAnswers(database, some, question.knownAt)) {
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
       min(observed_at) AS first, max(observed_at) AS last, toUInt32(uniqExact(observed_at)) AS count
     FROM observations WHERE ${SCOPE} AND answered GROUP BY target, part, day`,
    parameters,
  );
  const mixed = days.filter((day) => day.states !== '1');
  if (mixed.length === 0) return days;
  const runs = await database.query<Sighting>(
    `SELECT target, part, any(state) AS state, min(at) AS first, max(at) AS last, toUInt32(uniqExact(at)) AS count FROM (
       SELECT target, part, at, state, sum(changed) OVER (PARTITION BY target, part ORDER BY at, state) AS run FROM (
         SELECT target, part, observed_at AS at, ${STATE} AS state,
           state != lagInFrame(state) OVER (PARTITION BY target, part ORDER BY at, state
             ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS changed
         FROM observations WHERE ${SCOPE} AND answered
           AND concat(target, '\\n', part, '\\n', toString(toDate(observed_at))) IN {days:Array(String)}
       )
     ) GROUP BY target, part, run`,
    { ...parameters, days: mixed.map(({ target, part, day }) => `${target}\n${part}\n${day}`) },
  );
  return [...days.filter((day) => day.states === '1'), ...runs];
}

type Candidate = Pick<RunInContext, 'run' | 'previous'> & { readonly next: Sighting | null };

/** The runs of one target that may matter: those that begin and end near enough, whatever the details say. */
function runsNear(runs: readonly Sighting[], { from, to }: HeldQuestion): readonly Candidate[] {
  return runs.flatMap((run, index) => {
    const previous = runs[index - 1] ?? null;
    const next = runs[index + 1] ?? null;
    const outside = (previous !== null && previous.last > to) || (next !== null && next.first < from);
    return outside ? [] : [{ run, previous, next }];
  });
}

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
  readonly reason: string;
}

const KEY = "concat(target, '\\n', part)";

/** The runs that are asked about, as a table. */
const RUNS = `(
    SELECT run.1 AS key, run.2 AS first, run.3 AS last, run.4 AS until FROM (
      SELECT arrayJoin(arrayZip({keys:Array(String)}, ${times('firsts')}, ${times('lasts')}, ${times('untils')})) AS run
    )
  )`;

function times(name: string): string {
  return `arrayMap(time -> parseDateTime64BestEffort(time, 9, 'UTC'), {${name}:Array(String)})`;
}

/** What happened between the first of these runs and the answer after the last, to these targets. */
const AROUND = `target IN {targets:Array(String)} AND ${KEY} IN {keys:Array(String)}
  AND observed_at >= {earliest:DateTime64(9, 'UTC')} AND observed_at <= {latest:DateTime64(9, 'UTC')}`;

async function readAnswers(
  database: Database,
  candidates: readonly Candidate[],
  knownAt: Timestamp,
): Promise<readonly HeldAnswer[]> {
  const untils = candidates.map(({ next }) => next?.first ?? knownAt);
  const firsts = candidates.map(({ run }) => run.first);
  const parameters = {
    targets: [...new Set(candidates.map(({ run }) => run.target))],
    keys: candidates.map(({ run }) => keyOf(run)),
    firsts,
    lasts: candidates.map(({ run }) => run.last),
    untils,
    earliest: firsts.reduce((a, b) => (a < b ? a : b)),
    latest: untils.reduce((a, b) => (a > b ? a : b)),
  };
  const details = await readDetails(database, parameters);
  const failed = await readFailed(database, parameters);
  const unseen = await readUnseen(database, parameters);
  return candidates.flatMap(({ run, previous, next }) => {
    const first = details.get(runKey(keyOf(run), run.first));
    const following = next === null ? undefined : details.get(runKey(keyOf(run), next.first));
    if (first === undefined) return [];
    const entry = heldEntry({
      run,
      detail: toDetail(first),
      previous,
      next: next === null || following === undefined ? null : { run: next, detail: toDetail(following) },
      failedPollsAfter: failed.get(runKey(keyOf(run), run.first)) ?? 0,
      unseen: unseen.get(runKey(keyOf(run), run.first)) ?? NOTHING_UNSEEN,
    });
    return [{ entry, bodyKind: first.body_kind, transport: first.transport_hash, cosmetic: first.cosmetic_hash }];
  });
}

function keyOf({ target, part }: Sighting): string {
  return `${target}\n${part}`;
}

function runKey(key: string, first: Timestamp): string {
  return `${first} ${key}`;
}

type Parameters = Readonly<Record<string, string | readonly string[]>>;

/** Of the first observation of each run, and of the one that follows it. */
async function readDetails(database: Database, parameters: Parameters): Promise<ReadonlyMap<string, DetailRow>> {
  const rows = await database.query<DetailRow>(
    `SELECT ${KEY} AS key, observed_at, outcome, strict_hash, transport_hash, cosmetic_hash, body_kind, source,
       source_version, pointer_name, pointer_value, edited_at, edited_by, reason
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

interface UnseenRow {
  readonly key: string;
  readonly first: Timestamp;
  readonly edits: number;
  readonly edit_after: Timestamp;
  readonly edit_by: Timestamp;
  readonly edited_at: Timestamp | null;
  readonly gap_after: Timestamp;
  readonly gap_by: Timestamp;
  readonly usual_ms: number;
}

const NOTHING_UNSEEN: Unseen = { edits: 0, lastEdit: null, longestGap: null };

async function readUnseen(database: Database, parameters: Parameters): Promise<ReadonlyMap<string, Unseen>> {
  const rows = await database.query<UnseenRow>(
    `SELECT key, first, toUInt32(countIf(edited)) AS edits, argMaxIf(previous, at, edited) AS edit_after,
       maxIf(at, edited) AS edit_by, argMaxIf(edit, at, edited) AS edited_at, argMax(previous, gap) AS gap_after,
       argMax(at, gap) AS gap_by, toFloat64(quantileExact(0.5)(gap)) AS usual_ms
     FROM (
       SELECT key, first, at, edit, lagInFrame(at) OVER earlier AS previous,
         dateDiff('millisecond', previous, at) AS gap,
         ifNull(edit != lagInFrame(edit) OVER earlier, false) AS edited,
         row_number() OVER earlier AS number
       FROM (
         SELECT answered.key AS key, runs.first AS first, runs.last AS last, answered.at AS at, answered.edit AS edit
         FROM (
           SELECT ${KEY} AS key, observed_at AS at, edited_at AS edit FROM observations WHERE ${AROUND} AND answered
         ) AS answered
         ASOF JOIN ${RUNS} AS runs ON answered.key = runs.key AND answered.at >= runs.first
       )
       WHERE at <= last
       WINDOW earlier AS (PARTITION BY key, first ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
     ) WHERE number > 1 AND gap > 0
     GROUP BY key, first`,
    parameters,
  );
  return new Map(rows.map((row) => [runKey(row.key, row.first), toUnseen(row)]));
}

function toUnseen(row: UnseenRow): Unseen {
  const { edits, edited_at: editedAt } = row;
  return {
    edits,
    lastEdit: editedAt === null || edits === 0 ? null : { after: row.edit_after, by: row.edit_by, editedAt },
    longestGap: { after: row.gap_after, by: row.gap_by, usualMs: row.usual_ms },
  };
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
    reason: row.reason,
  };
}
