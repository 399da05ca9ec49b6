/**
 * What a target held: sightings, joined to runs, turned into entries. A failed poll is no sighting;
 * it widens an interval and never ends an entry. Pure.
 */

import type { ContentHash } from '../contract/prompt.ts';
import type { HeldEntry, UsedEntry } from '../contract/store.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import { formatDuration, millisBetween } from '../lib/time.ts';
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
  /** How often the place told a new time of the last edit, and between which polls it did last. */
  readonly edits: number;
  readonly lastEdit: { readonly after: Timestamp; readonly by: Timestamp; readonly editedAt: Timestamp } | null;
  /** The longest time between two answers, and that between most. */
  readonly longestGap: { readonly after: Timestamp; readonly by: Timestamp; readonly usualMs: number } | null;
}

/** Polls are a little late now and then, or one has no answer; this many intervals are something else. */
const GAP_INTERVALS = 5;

/** Joins neighbours of the same state. Sightings in any order; runs by (target, part), oldest first. */
export function runsOf(sightings: readonly Sighting[]): readonly (readonly Sighting[])[] {
  const parts = Map.groupBy(sightings, ({ target, part }) => JSON.stringify([target, part]));
  return [...parts.values()].map((ofPart) => {
    const runs: Sighting[] = [];
    for (const sighting of ofPart.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
      const run = runs.at(-1);
      if (run?.state !== sighting.state) runs.push(sighting);
      else {
        const last = sighting.last > run.last ? sighting.last : run.last;
        runs[runs.length - 1] = { ...run, last, count: run.count + sighting.count };
      }
    }
    return runs;
  });
}

/** Version and text are left to the caller, who knows the registry. */
export function heldEntry({ run, detail, previous, next, failedPollsAfter, unseen }: RunInContext): HeldEntry {
  // Before the first look the time of an edit is a claim that nothing supports: copies keep it.
  const from: TimeInterval =
    previous === null ? [null, run.first] : boundary(previous.last, run.first, detail.editedAt);
  const until: TimeInterval =
    next === null ? [run.last, null] : boundary(run.last, next.run.first, next.detail.editedAt);
  const evidence = [
    pollEvidence(run, detail),
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

function unseenEvidence({ edits, lastEdit, longestGap }: Unseen, { source }: RunDetail): readonly Evidence[] {
  const evidence: Evidence[] = [];
  if (lastEdit !== null) {
    const { after, by, editedAt } = lastEdit;
    const more = edits > 1 ? ` (the last of ${edits} such edits)` : '';
    const words = `edited at ${timeWords(editedAt)}, says ${source}, ${between(after, by)}${more}: ${NOT_KNOWN}`;
    evidence.push({ kind: 'edit', words });
  }
  if (longestGap === null) return evidence;
  const { after, by, usualMs } = longestGap;
  const gapMs = millisBetween(after, by);
  if (gapMs < GAP_INTERVALS * usualMs) return evidence;
  const words = `no poll for ${formatDuration(gapMs)} ${between(after, by)}, otherwise every ${formatDuration(usualMs)}: ${NOT_KNOWN}`;
  return [...evidence, { kind: 'poll', words }];
}

const NOT_KNOWN = 'what was there in between is not known';

function between(after: Timestamp, by: Timestamp): string {
  return `between ${timeWords(after)} and ${timeWords(by)}`;
}

function pointerEvidence({ pointer, sourceVersion, source }: RunDetail): readonly Evidence[] {
  const evidence: Evidence[] = [];
  if (pointer !== null) evidence.push({ kind: 'pointer', words: `${pointer.name} named ${pointer.value}` });
  if (sourceVersion !== null) evidence.push({ kind: 'source_version', words: `${source} calls it ${sourceVersion}` });
  return evidence;
}

function failureEvidence(failedPolls: number, run: Sighting): readonly Evidence[] {
  if (failedPolls === 0) return [];
  const polls = failedPolls === 1 ? '1 poll' : `${failedPolls} polls`;
  return [{ kind: 'unreachable', words: `${polls} after ${timeWords(run.last)} had no answer` }];
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
