/** Reads what targets held. Days of one state come as one row each, so that a year of polls is a few hundred rows. */

import { Fault } from '../contract/fault.ts';
import type { ContentHash } from '../contract/prompt.ts';
import type { HeldEntry } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { forEachConcurrently } from '../lib/limits.ts';
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
const READS_AT_ONCE = 2;

// What makes two observations the same: what was there, and how it is set. A pointer may move, and
// a source may renumber, without a change of content.
const STATE = "concat(outcome, ' ', strict_hash, ' ', settings)";

const SCOPE = `prompt = {prompt:String} AND environment = {environment:String}
  AND ({target:String} = '' OR target = {target:String})
  AND target IN (SELECT target FROM latest_observations WHERE prompt = {prompt:String} AND environment = {environment:String})
  AND observed_at <= {knownAt:DateTime64(9, 'UTC')}`;

/** All runs that overlap [from, to], or with from = to the one that was active then. */
export async function readHeld(database: Database, question: HeldQuestion): Promise<readonly HeldAnswer[]> {
  const parameters = {
    prompt: question.prompt,
    environment: question.environment,
    target: question.target ?? '',
    knownAt: question.knownAt,
  };
  const sightings = await readSightings(database, parameters);
  const candidates = runsOf(sightings).flatMap((runs) => runsNear(runs, question));
  if (candidates.length > RUNS_MAX) {
    throw new Fault('permanent', `${question.prompt} changed more than ${RUNS_MAX} times in that range.`, {
      hint: 'Ask for a shorter range.',
    });
  }
  const answers: HeldAnswer[] = [];
  await forEachConcurrently(candidates, READS_AT_ONCE, async (candidate) => {
    const answer = await readAnswer(database, candidate, question.knownAt);
    if (answer === null) return;
    const fits =
      question.from === question.to
        ? isActive(answer.entry, question.from)
        : overlaps(answer.entry, question.from, question.to);
    if (fits) answers.push(answer);
  });
  return answers;
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

async function readAnswer(database: Database, candidate: Candidate, knownAt: Timestamp): Promise<HeldAnswer | null> {
  const { run, previous, next } = candidate;
  const rows = await database.query<DetailRow>(
    `SELECT observed_at, outcome, strict_hash, transport_hash, cosmetic_hash, body_kind, source, source_version,
       pointer_name, pointer_value, edited_at, edited_by, reason
     FROM observations
     WHERE target = {target:String} AND part = {part:String} AND answered
       AND observed_at IN ({first:DateTime64(9, 'UTC')}, {next:DateTime64(9, 'UTC')})
     LIMIT 1 BY observed_at`,
    { target: run.target, part: run.part, first: run.first, next: next?.first ?? run.first },
  );
  const [failed] = await database.query<{ polls: string }>(
    `SELECT uniqExact(observed_at) AS polls FROM observations
     WHERE target = {target:String} AND part = {part:String} AND outcome = 'unreachable'
       AND observed_at > {last:DateTime64(9, 'UTC')} AND observed_at <= {until:DateTime64(9, 'UTC')}`,
    { target: run.target, part: run.part, last: run.last, until: next?.first ?? knownAt },
  );
  const first = rows.find((row) => row.observed_at === run.first);
  const following = rows.find((row) => row.observed_at === next?.first);
  if (first === undefined) return null;
  const entry = heldEntry({
    run,
    detail: toDetail(first),
    previous,
    next: next === null || following === undefined ? null : { run: next, detail: toDetail(following) },
    failedPollsAfter: Number(failed?.polls ?? 0),
    unseen: await readUnseen(database, run),
  });
  return { entry, bodyKind: first.body_kind, transport: first.transport_hash, cosmetic: first.cosmetic_hash };
}

interface UnseenRow {
  readonly edits: number;
  readonly edit_after: Timestamp;
  readonly edit_by: Timestamp;
  readonly edited_at: Timestamp | null;
  readonly gaps: number;
  readonly gap_after: Timestamp;
  readonly gap_by: Timestamp;
  readonly usual_ms: number;
}

async function readUnseen(database: Database, run: Sighting): Promise<Unseen> {
  if (run.count === 1) return { edits: 0, lastEdit: null, longestGap: null };
  const [row] = await database.query<UnseenRow>(
    `SELECT toUInt32(countIf(edited)) AS edits, argMaxIf(previous, at, edited) AS edit_after, maxIf(at, edited) AS edit_by,
       argMaxIf(edit, at, edited) AS edited_at, toUInt32(count()) AS gaps, argMax(previous, gap) AS gap_after,
       argMax(at, gap) AS gap_by, toFloat64(quantileExact(0.5)(gap)) AS usual_ms
     FROM (
       SELECT observed_at AS at, edited_at AS edit, lagInFrame(observed_at) OVER earlier AS previous,
         dateDiff('millisecond', previous, at) AS gap,
         ifNull(edit != lagInFrame(edited_at) OVER earlier, false) AS edited,
         row_number() OVER earlier AS number
       FROM observations
       WHERE target = {target:String} AND part = {part:String} AND answered
         AND observed_at >= {first:DateTime64(9, 'UTC')} AND observed_at <= {last:DateTime64(9, 'UTC')}
       WINDOW earlier AS (ORDER BY observed_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
     ) WHERE number > 1 AND gap > 0`,
    { target: run.target, part: run.part, first: run.first, last: run.last },
  );
  if (row === undefined || row.gaps === 0) return { edits: 0, lastEdit: null, longestGap: null };
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
