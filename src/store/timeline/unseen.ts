/** Reads where something else may have been at a target, although the looks before and after saw the same. */

import type { Timestamp } from '../../contract/time.ts';
import { type Gap, isLong, type Unseen } from '../../timeline/held.ts';
import type { Database } from '../database.ts';
import { AROUND, type Candidate, KEY, keyOf, type Parameters, RUNS, runKey, times } from './held-runs.ts';

interface UnseenRow {
  readonly key: string;
  readonly first: Timestamp;
  readonly edits: number;
  readonly edit_after: Timestamp;
  readonly edit_by: Timestamp;
  readonly edited_at: Timestamp | null;
  readonly last_edit_by: Timestamp;
  readonly gap_after: Timestamp;
  readonly gap_by: Timestamp;
  readonly is_asked: number;
  readonly asked_after: Timestamp;
  readonly asked_by: Timestamp;
  readonly usual_ms: number;
}

/** Before anything was ever seen. */
export const NEVER = '1970-01-01T00:00:00.000000000Z' as Timestamp;

/** By run; those of which nothing is to be said are left out. `asked`: the moment that the question is about. */
export async function readUnseen(
  database: Database,
  parameters: Parameters,
  candidates: readonly Candidate[],
  asked: Timestamp | null,
): Promise<ReadonlyMap<string, Unseen>> {
  const rows = await readRows(database, parameters);
  const gaps = await withFailedPolls(database, parameters, gapsOf(candidates, rows, asked));
  return new Map(
    [...rows].map(([key, row]) => [
      key,
      { ...toEdits(row), gaps: gaps.flatMap(({ run, gap }) => (run === key ? gap : [])) },
    ]),
  );
}

async function readRows(database: Database, parameters: Parameters): Promise<ReadonlyMap<string, UnseenRow>> {
  const rows = await database.query<UnseenRow>(
    `SELECT key, first, toUInt32(countIf(edited)) AS edits, argMaxIf(previous, (asked, at), edited) AS edit_after,
       argMaxIf(at, (asked, at), edited) AS edit_by, argMaxIf(edit, (asked, at), edited) AS edited_at,
       maxIf(at, edited) AS last_edit_by, argMax(previous, gap) AS gap_after, argMax(at, gap) AS gap_by,
       max(asked) AS is_asked, maxIf(previous, asked) AS asked_after, maxIf(at, asked) AS asked_by,
       toFloat64(quantileExact(0.5)(gap)) AS usual_ms
     FROM (
       SELECT key, first, at, edit, lagInFrame(at) OVER earlier AS previous,
         dateDiff('millisecond', previous, at) AS gap,
         previous <= {asked:DateTime64(9, 'UTC')} AND at > {asked:DateTime64(9, 'UTC')} AS asked,
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
  return new Map(rows.map((row) => [runKey(row.key, row.first), row]));
}

function toEdits(row: UnseenRow): Pick<Unseen, 'edits' | 'edit'> {
  if (row.edited_at === null || row.edits === 0) return { edits: 0, edit: null };
  const isLast = row.edit_by === row.last_edit_by;
  const edit = { after: row.edit_after, by: row.edit_by, editedAt: row.edited_at, isLast };
  return { edits: row.edits, edit };
}

interface GapOfRun {
  /** As `runKey` names it. */
  readonly run: string;
  /** As `keyOf` does. */
  readonly key: string;
  readonly gap: Gap;
}

/** Where it was not seen for long: around the time that is asked about, and the longest. */
function gapsOf(
  candidates: readonly Candidate[],
  rows: ReadonlyMap<string, UnseenRow>,
  asked: Timestamp | null,
): readonly GapOfRun[] {
  return candidates.flatMap(({ run, next }) => {
    const key = keyOf(run);
    const row = rows.get(runKey(key, run.first));
    if (row === undefined) return [];
    const gap = (after: Timestamp, by: Timestamp, isOpen: boolean): Gap => {
      return { after, by, isOpen, usualMs: row.usual_ms, failedPolls: 0 };
    };
    const around = row.is_asked === 1 ? [gap(row.asked_after, row.asked_by, false)] : [];
    const beyond = next === null && asked !== null && asked > run.last ? [gap(run.last, asked, true)] : [];
    const longest =
      row.is_asked === 1 && row.asked_after === row.gap_after ? [] : [gap(row.gap_after, row.gap_by, false)];
    const long = [...around, ...beyond, ...longest].filter(isLong);
    return long.map((each) => ({ run: runKey(key, run.first), key, gap: each }));
  });
}

async function withFailedPolls(
  database: Database,
  parameters: Parameters,
  gaps: readonly GapOfRun[],
): Promise<readonly GapOfRun[]> {
  if (gaps.length === 0) return gaps;
  const rows = await database.query<{ key: string; after: Timestamp; polls: string }>(
    `SELECT key, after, uniqExact(observed_at) AS polls
     FROM (
       SELECT ${KEY} AS key, observed_at FROM observations WHERE ${AROUND} AND outcome = 'unreachable'
     ) AS failed
     ASOF JOIN (
       SELECT gap.1 AS key, gap.2 AS after, gap.3 AS until FROM (
         SELECT arrayJoin(arrayZip({gapKeys:Array(String)}, ${times('afters')}, ${times('bys')})) AS gap
       )
     ) AS gaps ON failed.key = gaps.key AND failed.observed_at > gaps.after
     WHERE observed_at < until
     GROUP BY key, after`,
    {
      ...parameters,
      gapKeys: gaps.map(({ key }) => key),
      afters: gaps.map(({ gap }) => gap.after),
      bys: gaps.map(({ gap }) => gap.by),
    },
  );
  const polls = new Map(rows.map((row) => [runKey(row.key, row.after), Number(row.polls)]));
  return gaps.map((each) => {
    const failedPolls = polls.get(runKey(each.key, each.gap.after)) ?? 0;
    return { ...each, gap: { ...each.gap, failedPolls } };
  });
}
