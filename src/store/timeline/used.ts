/**
 * Reads what traffic carried. Calls may be millions a day, so the window adapts: as wide as can be
 * read in about a second, and the answer says where it ends.
 */

import { Fault } from '../../contract/fault.ts';
import type { UsedEntry } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, DAY_MS, earlierOf, HOUR_MS, MINUTE_MS } from '../../lib/time.ts';
import { leftOutEvidence, usedEntry } from '../../timeline/used.ts';
import { readCallRuns, SCOPE, WINDOW, type CallScope } from './call-runs.ts';
import type { Database } from '../database.ts';
import { readLiveContents } from './live-contents.ts';

export interface UsedQuestion {
  readonly prompt: string;
  readonly environment: string;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly knownAt: Timestamp;
}

/** How far around the question calls are read, widest first. */
const MARGINS_MS = [30 * DAY_MS, 7 * DAY_MS, DAY_MS, 6 * HOUR_MS, HOUR_MS, 10 * MINUTE_MS] as const;
const MARGIN_MIN_MS = MINUTE_MS;
// Rows of all prompts, since the table is ordered by time: about a second on two cores.
const ROWS_MAX = 2_000_000;
// Of the prompt, where the range itself has more rows than that. They are sorted, at about 150 bytes each.
const CALLS_MAX = 5_000_000;

export interface UsedAnswer {
  readonly entry: UsedEntry;
  /** How the text lies in the store: null for that of a call, which is as it was sent. */
  readonly bodyKind: string | null;
}

/** What was in use in [from, to], and some of what was not. */
export async function readUsed(database: Database, question: UsedQuestion): Promise<readonly UsedAnswer[]> {
  const { prompt, environment, knownAt } = question;
  const range = await chooseWindow(database, question);
  const later = await readLaterVersions(database, prompt, knownAt);
  const scope = { from: range.from, to: range.to, prompt, environment, knownAt, later };
  if (!range.isQuick) await refuseTooMany(database, scope);
  const window = { from: range.from, to: range.to < knownAt ? range.to : null };
  const { runs, found, listed } = await readCallRuns(database, scope, question, window);
  const leftOut = leftOutEvidence(listed, found);
  const live = await readLiveContents(
    database,
    prompt,
    runs.map(({ version }) => version ?? ''),
  );
  return runs.map((run) => {
    const { hash, evidence, ...entry } = usedEntry(run, window);
    const seen = live.get(run.version ?? '');
    const named = { ...entry, hash: seen?.hash ?? hash, evidence: [...evidence, ...leftOut] };
    return { entry: named, bodyKind: seen?.bodyKind ?? null };
  });
}

interface Range {
  readonly from: Timestamp;
  readonly to: Timestamp;
  /** False: there is more than can be read in a second, however small the margin. */
  readonly isQuick: boolean;
}

async function chooseWindow(database: Database, { from, to, knownAt }: UsedQuestion): Promise<Range> {
  const around = (marginMs: number) => ({
    from: addMillis(from, -marginMs),
    to: earlierOf(addMillis(to, marginMs), knownAt),
  });
  for (const marginMs of MARGINS_MS) {
    const window = around(marginMs);
    const [row] = await database.query<{ rows: string }>(
      `SELECT count() AS rows FROM invocations WHERE ${WINDOW}`,
      window,
    );
    if (Number(row?.rows ?? 0) <= ROWS_MAX) return { ...window, isQuick: true };
  }
  return { ...around(MARGIN_MIN_MS), isQuick: false };
}

/** Of which calls are instances by now, and nobody could know it. */
async function readLaterVersions(database: Database, prompt: string, knownAt: Timestamp): Promise<readonly string[]> {
  const rows = await database.query<{ version: string }>(
    `SELECT version FROM registered_versions WHERE prompt = {prompt:String}
     GROUP BY version HAVING min(recorded_at) > {knownAt:DateTime64(9, 'UTC')}`,
    { prompt, knownAt },
  );
  return rows.map(({ version }) => version);
}

async function refuseTooMany(database: Database, scope: CallScope): Promise<void> {
  const [row] = await database.query<{ calls: string }>(
    `SELECT count() AS calls FROM invocations WHERE ${SCOPE}`,
    scope,
  );
  if (Number(row?.calls ?? 0) <= CALLS_MAX) return;
  throw new Fault('permanent', `${scope.prompt} was called more than ${CALLS_MAX} times in that range.`, {
    hint: 'Ask for a shorter range.',
  });
}
