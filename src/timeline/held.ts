/**
 * What a target held: sightings, joined to runs, turned into entries. A failed poll is no sighting;
 * it widens an interval and never ends an entry. Pure.
 */

import type { ContentHash } from '../contract/prompt.ts';
import type { RestoreRecord } from '../contract/restore-log.ts';
import type { HeldEntry, UsedEntry } from '../contract/store.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import { addMillis, formatDuration, millisBetween } from '../lib/time.ts';
import { timeWords } from '../text/time-words.ts';
import { boundary, liesOutside } from './boundary.ts';

/** The same state, seen from `first` to `last`, with no other state seen in between. */
export interface Sighting {
  readonly target: string;
  readonly part: string;
  /** Equal for equal states, and for nothing else. */
  readonly state: string;
  readonly first: Timestamp;
  readonly last: Timestamp;
  /** When the look began that saw it last; absent: not known of any. It may have gone right after. */
  readonly lastAsked?: Timestamp;
  /** How often it was seen. */
  readonly count: number;
}

/** What the first observation of a run said. */
export interface RunDetail {
  readonly state: 'held' | 'missing';
  readonly hash: ContentHash | null;
  readonly source: string;
  readonly sourceVersion: string | null;
  readonly pointer: { readonly name: string; readonly value: string } | null;
  readonly editedAt: Timestamp | null;
  readonly editedBy: string | null;
  /** Of the traffic, where the place divides it, and when it said so: at the first look, or the last by the time that is asked about. */
  readonly share: { readonly part: number; readonly at: Timestamp } | null;
  /** Why it is missing, as the place said. */
  readonly reason: string;
}

/** A run with what came before and after it. */
export interface RunInContext {
  readonly run: Sighting;
  readonly detail: RunDetail;
  readonly previous: Sighting | null;
  readonly next: { readonly run: Sighting; readonly detail: RunDetail } | null;
  /** Polls without an answer after the run's last sighting and before the next answer. */
  readonly failedPollsAfter: number;
  readonly unseen: Unseen;
}

/** Where something else may have been there, although the polls before and after saw the same. */
export interface Unseen {
  /** How often the place told a new time of the last edit, and between which polls it did last, or around the time that is asked about. */
  readonly edits: number;
  readonly edit: {
    readonly after: Timestamp;
    readonly by: Timestamp;
    readonly editedAt: Timestamp;
    readonly isLast: boolean;
  } | null;
  /** Where it was not seen for longer than usual: around the time that is asked about, and the longest. */
  readonly gaps: readonly Gap[];
}

export interface Gap {
  readonly after: Timestamp;
  /** The next answer, or the time that is asked about when none is known. */
  readonly by: Timestamp;
  readonly isOpen: boolean;
  /** That between most answers. */
  readonly usualMs: number;
  /** Looks without an answer. */
  readonly failedPolls: number;
}

/** Polls are a little late now and then, or one has no answer; this many intervals are something else. */
const GAP_INTERVALS = 5;

/** True when it is worth a word. */
export function isLong({ after, by, usualMs }: Pick<Gap, 'after' | 'by' | 'usualMs'>): boolean {
  return millisBetween(after, by) >= GAP_INTERVALS * usualMs;
}

/** It was still there at some moment since. */
export function lastSeenFrom({ last, lastAsked }: Sighting): Timestamp {
  return lastAsked ?? last;
}

/** Joins neighbours of the same state. Sightings in any order; runs by (target, part), oldest first. */
export function runsOf(sightings: readonly Sighting[]): readonly (readonly Sighting[])[] {
  const parts = Map.groupBy(sightings, ({ target, part }) => JSON.stringify([target, part]));
  return [...parts.values()].map((ofPart) => {
    const runs: Sighting[] = [];
    for (const sighting of ofPart.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
      const run = runs.at(-1);
      if (run?.state !== sighting.state) runs.push(sighting);
      else {
        const { last, ...asked } = sighting.last > run.last ? sighting : run;
        runs[runs.length - 1] = { ...asked, first: run.first, last, count: run.count + sighting.count };
      }
    }
    return runs;
  });
}

/** Version and text are left to the caller, who knows the registry. */
export function heldEntry({ run, detail, previous, next, failedPollsAfter, unseen }: RunInContext): HeldEntry {
  // Before the first look the time of an edit is a claim that nothing supports: copies keep it.
  const from: TimeInterval =
    previous === null ? [null, run.first] : boundary(lastSeenFrom(previous), run.first, detail.editedAt);
  const seen = lastSeenFrom(run);
  // The last edit before the next look says when that content came. Another may have been there before it, and gone unseen.
  const until: TimeInterval =
    next === null ? [seen, null] : [seen, boundary(seen, next.run.first, next.detail.editedAt)[1]];
  const evidence = [
    pollEvidence(run, detail),
    ...shareEvidence(detail),
    ...editEvidence(detail, from),
    ...unseenEvidence(unseen, detail),
    ...pointerEvidence(detail),
    ...failureEvidence(failedPollsAfter, run),
  ];
  const { target, part } = run;
  return { target, part, state: detail.state, version: null, hash: detail.hash, text: null, from, until, evidence };
}

function pollEvidence(run: Sighting, { source, state, reason }: RunDetail): Evidence {
  const what = state === 'missing' ? `answered that the prompt is not there (${reason})` : 'held it';
  const when =
    run.first === run.last
      ? `at ${timeWords(run.first)}`
      : `from ${timeWords(run.first)} to ${timeWords(run.last)}, in ${run.count} polls`;
  return { kind: 'poll', words: `${source} ${what} ${when}` };
}

function editEvidence({ editedAt, editedBy, source }: RunDetail, from: TimeInterval): readonly Evidence[] {
  if (editedAt === null)
    return editedBy === null ? [] : [{ kind: 'edit', words: `edited by ${editedBy}, says ${source}` }];
  const who = editedBy === null ? '' : ` by ${editedBy}`;
  const isClaim = from[0] === null ? ', before anybody looked' : '';
  const doubt = liesOutside(editedAt, from) ? ', which is not when it came here' : isClaim;
  return [{ kind: 'edit', words: `edited${who} at ${timeWords(editedAt)}, says ${source}${doubt}` }];
}

function unseenEvidence({ edits, edit, gaps }: Unseen, { source }: RunDetail): readonly Evidence[] {
  return [...(edit === null ? [] : [unseenEdit(edit, edits, source)]), ...gaps.map(gapEvidence)];
}

function unseenEdit(
  { after, by, editedAt, isLast }: NonNullable<Unseen['edit']>,
  edits: number,
  source: string,
): Evidence {
  const more = edits > 1 ? ` (${isLast ? 'the last' : 'one'} of ${edits} such edits)` : '';
  const words = `edited at ${timeWords(editedAt)}, says ${source}, ${between(after, by)}${more}: ${NOT_KNOWN}`;
  return { kind: 'edit', words };
}

function gapEvidence({ after, by, isOpen, usualMs, failedPolls }: Gap): Evidence {
  const what = failedPolls === 0 ? 'poll' : 'answer';
  const failed = failedPolls === 0 ? '' : ` (${countedPolls(failedPolls)} failed)`;
  const gap = `no ${what} for ${formatDuration(millisBetween(after, by))}`;
  const usually = `otherwise every ${formatDuration(usualMs)}`;
  const words = isOpen
    ? `${gap} before the time that is asked about${failed}, ${usually}: what was there since ${timeWords(after)} is not known`
    : `${gap} ${between(after, by)}${failed}, ${usually}: ${NOT_KNOWN}`;
  return { kind: 'poll', words };
}

function countedPolls(polls: number): string {
  return polls === 1 ? '1 poll' : `${polls} polls`;
}

const NOT_KNOWN = 'what was there in between is not known';

function between(after: Timestamp, by: Timestamp): string {
  return `between ${timeWords(after)} and ${timeWords(by)}`;
}

function shareEvidence({ share, source }: RunDetail): readonly Evidence[] {
  if (share === null) return [];
  const part = share.part === 0 ? 'none' : `${Math.round(share.part * 1_000) / 10} %`;
  return [{ kind: 'split', words: `got ${part} of the traffic at ${timeWords(share.at)}, says ${source}` }];
}

function pointerEvidence({ pointer, sourceVersion, source }: RunDetail): readonly Evidence[] {
  const evidence: Evidence[] = [];
  if (pointer !== null) evidence.push({ kind: 'pointer', words: `${pointer.name} named ${pointer.value}` });
  if (sourceVersion !== null) evidence.push({ kind: 'source_version', words: `${source} calls it ${sourceVersion}` });
  return evidence;
}

function failureEvidence(failedPolls: number, run: Sighting): readonly Evidence[] {
  if (failedPolls === 0) return [];
  return [{ kind: 'unreachable', words: `${countedPolls(failedPolls)} after ${timeWords(run.last)} had no answer` }];
}

/** It compares, writes and reads back, and a poll may look in between. */
const RESTORE_MS = 60_000;

/** The last command that put this content back, where it may be what brought it. */
export function restoreEvidence(entry: HeldEntry, restores: readonly RestoreRecord[]): readonly Evidence[] {
  const [notYet, seen] = entry.from;
  const earliest = notYet === null ? null : addMillis(notYet, -RESTORE_MS);
  const restore = restores.findLast(
    ({ target, to, begunAt }) =>
      target === entry.target &&
      to.hash === entry.hash &&
      (earliest === null || begunAt >= earliest) &&
      (seen === null || begunAt <= seen),
  );
  if (restore === undefined) return [];
  const { by, to, begunAt, reason } = restore;
  const why = reason === '' ? '' : `: ${reason}`;
  return [{ kind: 'restore', words: `${by} put v${to.version} back at ${timeWords(begunAt)}${why}` }];
}

/**
 * Calls that carried the content while polls had not seen it yet. Worth a word, and no more: a
 * service has its own clock, and may have the content from elsewhere.
 */
export function earlierCalls(entry: HeldEntry, used: readonly UsedEntry[]): readonly Evidence[] {
  const [earliest, latest] = entry.from;
  return used
    .filter(
      ({ version, hash }) => (hash !== null && hash === entry.hash) || (version !== null && version === entry.version),
    )
    .filter(({ from: [, first] }) => first !== null && latest !== null && first < latest)
    .filter(({ from: [, first] }) => earliest === null || (first !== null && first > earliest))
    .map(({ service, from: [, first] }) => ({
      kind: 'traffic',
      words: `${service} called with it at ${first === null ? 'an unknown time' : timeWords(first)} already`,
    }));
}
