/**
 * Every state of the prompt files that was ever committed, oldest first, from a handful of `git`
 * processes whatever the number of commits. What the states mean is decided in `records.ts`.
 *
 * The line of first parents says what was registered and when: a merge registers what it brings,
 * at the time of the merge. Drafts, on a side branch or before they reach the default branch, are
 * not registered yet, so changing them is nobody's incident; who wrote a text is still looked up
 * where it was written.
 */

import type { Timestamp } from '../contract/time.ts';
import { millisBetween } from '../lib/time.ts';
import { versionKey, type PromptDraft } from './draft.ts';
import {
  GIT_LIMITS,
  readBlobs,
  readGitLog,
  readRenames,
  readUnpublished,
  type GitCommit,
  type GitPlace,
} from './git.ts';
import { readHistoricPrompt } from './prompt-file.ts';

export const HISTORY_LIMITS = {
  blobsMax: 50_000,
  /** Files that were moved into the folder, and looked up where they came from. */
  movedPathsMax: 2_000,
  /** Moves of moved files. */
  moveRoundsMax: 4,
  /** Between two commits of one rebase. */
  landingMs: 60_000,
} as const;

/** One file's content from one commit on. */
export interface CommittedState {
  /** From the top of the repository. */
  readonly path: string;
  /** Null when the file was deleted, or held no prompt. */
  readonly draft: PromptDraft | null;
  readonly commit: string;
  /** Null where the history is cut off: the true time is earlier. */
  readonly at: Timestamp | null;
  readonly author: string | null;
}

export interface CommittedHistory {
  /** Along the line of first parents. */
  readonly mainline: readonly CommittedState[];
  /** Along the same line, but not on the default branch yet: newer than all of `mainline`. */
  readonly drafts: readonly CommittedState[];
  /** Contents that only ever stood on side branches that were merged. */
  readonly side: readonly CommittedState[];
  /** Committed YAML files that hold no readable prompt: how many, and the newest for an example. */
  readonly unreadable: { readonly count: number; readonly example: string | null };
  /** False when older commits exist that were not read. */
  readonly isComplete: boolean;
}

/** Drafts by blob id; carried from load to load, because a blob never changes. */
export type BlobCache = Map<string, PromptDraft | null>;

export async function readCommittedHistory(
  place: GitPlace,
  isPromptPath: (path: string) => boolean,
  cache: BlobCache,
  signal: AbortSignal,
): Promise<CommittedHistory> {
  const { mainline, paths } = await readMainline(place, isPromptPath, signal);
  const hasMerges = mainline.some((commit) => commit.parents.length > 1);
  const all = hasMerges ? await readGitLog(place, { paths, walk: 'all_without_merges' }, signal) : [];
  const isOurs = (path: string): boolean => isPromptPath(path) || paths.includes(path);
  const newestFirst = [...mainline, ...all]
    .toReversed()
    .flatMap(({ changes }) => changes.filter(({ path }) => isOurs(path)));
  const blobs = [...new Set(newestFirst.flatMap(({ blob }) => blob ?? []))];
  await readDrafts(place, blobs.slice(0, HISTORY_LIMITS.blobsMax), cache, signal);

  const authors = authorsByBlob(all);
  const toStates = (commits: readonly GitCommit[]): CommittedState[] =>
    commits.flatMap((commit) => statesOf(commit, isOurs, cache, authors, place.isShallow));
  const onMainline = new Set(mainline.flatMap(({ changes }) => changes.flatMap(({ blob }) => blob ?? [])));
  const sideCommits = all.map((commit) => ({
    ...commit,
    changes: commit.changes.filter(({ blob }) => blob !== null && !onMainline.has(blob)),
  }));
  const unreadable = newestFirst.filter(({ blob }) => blob !== null && cache.get(blob) === null);
  const unpublished = await readUnpublished(place, signal);
  return {
    mainline: landings(mainline.filter(({ hash }) => !unpublished.has(hash)))
      .map(toStates)
      .flatMap(withoutDrafts),
    drafts: toStates(mainline.filter(({ hash }) => unpublished.has(hash))),
    side: toStates(sideCommits),
    unreadable: { count: new Set(unreadable.map(({ blob }) => blob)).size, example: unreadable[0]?.path ?? null },
    isComplete: !place.isShallow && mainline.length < GIT_LIMITS.commitsMax && blobs.length <= HISTORY_LIMITS.blobsMax,
  };
}

/** The commits of the folder; and, where files were moved into it, of the places they came from. */
async function readMainline(
  place: GitPlace,
  isPromptPath: (path: string) => boolean,
  signal: AbortSignal,
): Promise<{ mainline: readonly GitCommit[]; paths: readonly string[] }> {
  let paths = [place.prefix === '' ? '.' : place.prefix];
  const asked = new Set<string>();
  for (let round = 0; ; round += 1) {
    const mainline = await readGitLog(place, { paths, walk: 'first_parent' }, signal);
    if (place.prefix === '' || round === HISTORY_LIMITS.moveRoundsMax) return { mainline, paths };
    const isOurs = (path: string): boolean => isPromptPath(path) || paths.includes(path);
    const adding = mainline.filter(
      ({ hash, changes }) => !asked.has(hash) && changes.some(({ path, isNew }) => isNew && isOurs(path)),
    );
    if (adding.length === 0) return { mainline, paths };
    for (const { hash } of adding) asked.add(hash);
    const renames = await readRenames(
      place,
      adding.map(({ hash }) => hash),
      signal,
    );
    const outside = [...renames].flatMap(([to, from]) => (isOurs(to) && !isOurs(from) ? [from] : []));
    if (outside.length === 0) return { mainline, paths };
    paths = [...paths, ...new Set(outside)].slice(0, HISTORY_LIMITS.movedPathsMax);
  }
}

async function readDrafts(
  place: GitPlace,
  blobs: readonly string[],
  cache: BlobCache,
  signal: AbortSignal,
): Promise<void> {
  const unknown = blobs.filter((blob) => !cache.has(blob));
  await readBlobs(place, unknown, signal, (blob, content) => {
    cache.set(blob, content === null ? null : readHistoricPrompt(content.toString('utf8')));
  });
}

function statesOf(
  commit: GitCommit,
  isOurs: (path: string) => boolean,
  cache: BlobCache,
  authors: ReadonlyMap<string, string>,
  isShallow: boolean,
): CommittedState[] {
  // In a shallow clone the oldest commit seems to have added everything.
  const isCutOff = isShallow && commit.parents.length === 0;
  // What went away goes first, so that a renamed file is never seen under both names.
  const changes = commit.changes.toSorted((a, b) => Number(a.blob !== null) - Number(b.blob !== null));
  return changes.flatMap(({ path, blob }) => {
    if (!isOurs(path)) return [];
    const draft = blob === null ? null : (cache.get(blob) ?? null);
    const author = (blob === null ? undefined : authors.get(blob)) ?? commit.author;
    return [{ path, draft, commit: commit.hash, at: isCutOff ? null : commit.at, author: isCutOff ? null : author }];
  });
}

/** Commits that a forge rebased onto the branch in one go, within a minute; any other commit stands alone. */
function landings(commits: readonly GitCommit[]): readonly (readonly GitCommit[])[] {
  const groups: GitCommit[][] = [];
  for (const commit of commits) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    const isTogether =
      last !== undefined &&
      last.isRewritten &&
      commit.isRewritten &&
      Math.abs(millisBetween(last.at, commit.at)) <= HISTORY_LIMITS.landingMs;
    if (isTogether) group?.push(commit);
    else groups.push([commit]);
  }
  return groups;
}

/** Of what landed together, the last word on each version: the rest never stood on the branch alone. */
function withoutDrafts(states: readonly CommittedState[]): readonly CommittedState[] {
  const keys = states.map(({ draft }) => (draft === null ? null : versionKey(draft.id, draft.version)));
  return states.filter((_state, index) => keys[index] === null || keys.lastIndexOf(keys[index] ?? null) === index);
}

/** Who first wrote each content, whichever branch that was on. */
export function authorsByBlob(commits: readonly GitCommit[]): ReadonlyMap<string, string> {
  const authors = new Map<string, string>();
  for (const { author, changes } of commits) {
    for (const { blob } of changes) if (blob !== null && !authors.has(blob)) authors.set(blob, author);
  }
  return authors;
}
