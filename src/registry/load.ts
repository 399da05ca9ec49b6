/**
 * Loads all that is registered: prompt files of today, every committed state of them, and the
 * lockfile. Never stops at the first problem, and a broken file never hides the good ones. Cheap
 * when nothing changed: pass what the last call returned.
 */

import { join, resolve } from 'node:path';
import type { RegisteredVersion, RegistrySnapshot } from '../contract/prompt.ts';
import { sortProblems, type Problem } from '../lib/problems.ts';
import { YAML_LIMITS } from '../lib/yaml.ts';
import { crossCheck } from './cross-check.ts';
import { findYamlFiles, isYamlName, readText, showPath, whyNoFolder, type FoundFile } from './discover.ts';
import { isFault } from '../contract/fault.ts';
import type { GitPlace } from './git.ts';
import { readCommittedHistory, type BlobCache, type CommittedHistory, type CommittedState } from './git-history.ts';
import { GitPlaces, type GitPlaceAnswer } from './git-places.ts';
import { loadLock, lookAtLock, type LockPlace } from './load-lock.ts';
import { checkPins, standingPins, type LockedVersions, type ReadLockFile } from './lockfile.ts';
import { gitNote, stateNotes } from './notes.ts';
import { readPromptFile, type ReadPrompt } from './prompt-file.ts';
import { decideRecords, NO_HISTORY, type HistoryEvent, type HistoryEvents, type TamperedInHistory } from './records.ts';
import { compareVersions } from './version-order.ts';
import { compareText } from '../lib/compare.ts';

export interface RegistryOptions {
  readonly roots: readonly { readonly files: string }[];
  /** Null: no lockfile is wanted. A path where there is none yet gives no pins, and a note. */
  readonly lockFile: string | null;
  /** What relative paths start from, and what paths in messages are relative to. */
  readonly baseDirectory: string;
  readonly signal: AbortSignal;
  /** What other registries hold, for the pins of prompts that have no file here. */
  readonly others?: OtherRegistries;
}

export interface OtherRegistries {
  readonly versions: readonly RegisteredVersion[];
  /** Equal revisions: the same versions. */
  readonly revision: string;
  /** False while one of them has not been read: then nothing is said about pins of prompts without a file. */
  readonly isComplete: boolean;
}

export interface LoadedRegistry {
  readonly snapshot: RegistrySnapshot;
  /** Sorted by file and line. */
  readonly problems: readonly Problem[];
  readonly tampered: readonly TamperedInHistory[];
  /** What is not wrong, but good to know: no repository, shallow clone, uncommitted files. */
  readonly notes: readonly string[];
  /** Of the notes, those about a history that is there and is not read: what it holds counts as registered nowhere. */
  readonly warnings: readonly string[];
  /** All prompt files that were looked at, and the lockfile. */
  readonly files: readonly string[];
  /** Prompts that have a readable file today. */
  readonly present: ReadonlySet<string>;
  /** What the lockfile says, for `plumbline lock`. Null: there is one, but it can't be understood. */
  readonly locked: LockedVersions | null;
  /** For the next call. */
  readonly state: RegistryState;
}

/** Caches; opaque to everybody else. */
export interface RegistryState {
  readonly key: string;
  readonly files: ReadonlyMap<string, { readonly signature: string; readonly read: ReadPrompt }>;
  readonly blobs: BlobCache;
  readonly places: GitPlaces;
  readonly histories: ReadonlyMap<string, KnownHistory>;
}

interface KnownHistory {
  /** Of HEAD and the default branch. */
  readonly heads: string;
  readonly history: CommittedHistory;
}

/**
 * With `previous`, returns that very object when no file, no lockfile and no HEAD has changed.
 * Throws a `Fault` when a folder holds too many files, and the signal's reason when it aborts.
 */
export async function loadRegistry(options: RegistryOptions, previous?: LoadedRegistry): Promise<LoadedRegistry> {
  const places = previous?.state.places ?? new GitPlaces();
  const look = await lookAround(options, places);
  if (previous?.state.key === look.key) return previous;
  const old = previous?.state;
  const blobs: BlobCache = old?.blobs ?? new Map();
  const files = await readFiles(look.files, old, options.signal);
  const { histories, failures } = await readHistories(look, blobs, old, options.signal);
  const lock = await loadLock(look.lockFile, previous?.snapshot.pins ?? null, options.signal);

  const reads = [...files.values()].map(({ read }) => read);
  const sources = reads.flatMap(({ source }) => source ?? []);
  const broken = brokenIds(files);
  const events = look.roots.map((root) => eventsOf(root, histories.get(root.absolute)?.history));
  const records = decideRecords(
    {
      mainline: events.flatMap(({ mainline }) => mainline),
      drafts: events.flatMap(({ drafts }) => drafts),
      side: events.flatMap(({ side }) => side),
    },
    sources,
  );
  const isHistoryComplete = look.roots.every(({ absolute }) => histories.get(absolute)?.history.isComplete === true);
  const versions = records.versions.toSorted(
    (a, b) => compareText(a.prompt, b.prompt) || compareVersions(a.version, b.version),
  );
  const problems = [
    ...look.problems,
    ...reads.flatMap((read) => read.problems),
    ...crossCheck(sources, { records, broken, isHistoryComplete }),
    ...lock.problems,
    ...(lock.read === null ? [] : checkAllPins(lock.read, versions, broken, options.others)),
  ];
  const refused = look.roots.filter(({ git }) => git.kind === 'refused');
  return {
    snapshot: { versions, pins: standingPins(lock.pins, [...versions, ...(options.others?.versions ?? [])]) },
    problems: sortProblems(problems),
    tampered: records.tampered,
    notes: [
      ...look.roots.flatMap((root) => gitNote(root.shown, root.git) ?? []),
      ...failures,
      ...stateNotes(records, [...histories.values()]),
      ...lock.notes,
    ],
    warnings: [...refused.flatMap((root) => gitNote(root.shown, root.git) ?? []), ...failures],
    files: [...look.files, ...(look.lockFile?.signature == null ? [] : [look.lockFile])].map(({ shown }) => shown),
    present: new Set(sources.map(({ draft }) => draft.id)),
    locked: lock.locked,
    // What failed for a moment is tried again with the next call.
    state: { key: failures.length > 0 ? '' : look.key, files, blobs, places, histories },
  };
}

/** A prompt that has a file here belongs to the files, whatever other registries hold under its name. */
function checkAllPins(
  lock: ReadLockFile,
  versions: readonly RegisteredVersion[],
  broken: ReadonlyMap<string, string>,
  others: OtherRegistries | undefined,
): readonly Problem[] {
  if (others === undefined) return checkPins(lock, versions, broken);
  const here = new Set([...versions.map(({ prompt }) => prompt), ...broken.keys()]);
  const pins = lock.pins.filter(({ prompt }) => others.isComplete || here.has(prompt));
  const elsewhere = others.versions.filter(({ prompt }) => !here.has(prompt));
  return checkPins({ ...lock, pins }, [...versions, ...elsewhere], broken);
}

interface Root {
  readonly absolute: string;
  readonly shown: string;
  readonly git: GitPlaceAnswer;
}

interface Look {
  /** Equal keys: nothing has changed. */
  readonly key: string;
  readonly roots: readonly Root[];
  readonly files: readonly FoundFile[];
  readonly lockFile: LockPlace | null;
  readonly problems: readonly Problem[];
}

const MUST_BE_FOLDER = 'registry: files: must name the folder of the prompt files.';

async function lookAround(
  { roots, lockFile, baseDirectory, signal, others }: RegistryOptions,
  places: GitPlaces,
): Promise<Look> {
  const problems: Problem[] = [];
  const found: Root[] = [];
  const files = new Map<string, FoundFile>();
  const lockPath = lockFile === null ? null : resolve(baseDirectory, lockFile);
  for (const { files: folder } of roots) {
    const absolute = resolve(baseDirectory, folder);
    const shown = showPath(absolute, baseDirectory);
    const message = await whyNoFolder(absolute);
    if (message !== null) {
      problems.push({ file: shown, field: '', message, hint: MUST_BE_FOLDER });
      continue;
    }
    found.push({ absolute, shown, git: await places.find(absolute, signal) });
    const yaml = await findYamlFiles(absolute, baseDirectory, signal);
    for (const { folder: unread, message: why } of yaml.unread)
      problems.push({ file: unread, field: '', message: why, hint: 'What is below it stays as it was.' });
    for (const file of yaml.files) {
      if (file.absolute !== lockPath) files.set(file.absolute, file);
    }
  }
  const lock = lockPath === null ? null : await lookAtLock(lockPath, showPath(lockPath, baseDirectory), places, signal);
  const heads = found.map(({ absolute, git }) => [absolute, git.kind === 'found' ? headsOf(git.place) : git.kind]);
  const signatures = [...files.values()].map(({ absolute, signature }) => [absolute, signature]);
  const key = JSON.stringify([heads, signatures, lock, problems, others?.revision, others?.isComplete]);
  return { key, roots: found, files: [...files.values()], lockFile: lock, problems };
}

async function readFiles(
  files: readonly FoundFile[],
  old: RegistryState | undefined,
  signal: AbortSignal,
): Promise<RegistryState['files']> {
  const reads = new Map<string, { signature: string; read: ReadPrompt }>();
  for (const { absolute, shown, signature } of files) {
    signal.throwIfAborted();
    const known = old?.files.get(shown);
    const read = known?.signature === signature ? known.read : await readPrompt(absolute, shown);
    reads.set(shown, { signature, read });
  }
  return reads;
}

async function readPrompt(absolute: string, shown: string): Promise<ReadPrompt> {
  const text = await readText(absolute, YAML_LIMITS.textBytesMax);
  if (text.ok) return readPromptFile(text.text, shown);
  return { source: null, problems: [{ file: shown, field: '', message: text.reason }], brokenId: null };
}

/** A repository that can't be read costs the history, never the files. */
async function readHistories(
  look: Look,
  blobs: BlobCache,
  old: RegistryState | undefined,
  signal: AbortSignal,
): Promise<{ histories: RegistryState['histories']; failures: readonly string[] }> {
  const histories = new Map<string, KnownHistory>();
  const failures: string[] = [];
  for (const { absolute, shown, git } of look.roots) {
    if (git.kind !== 'found') continue;
    const { prefix } = git.place;
    const heads = headsOf(git.place);
    const known = old?.histories.get(absolute);
    const isPromptPath = (path: string): boolean => {
      const inside = path.slice(prefix.length);
      return path.startsWith(prefix) && isPromptName(inside) && join(absolute, inside) !== look.lockFile?.absolute;
    };
    try {
      const isKnown = known?.heads === heads;
      const history = isKnown ? known.history : await readCommittedHistory(git.place, isPromptPath, blobs, signal);
      histories.set(absolute, { heads, history });
    } catch (error) {
      if (signal.aborted || !isFault(error)) throw error;
      failures.push(`The Git history of ${shown} could not be read: ${error.message}`);
    }
  }
  return { histories, failures };
}

function headsOf({ head, published }: GitPlace): string {
  return `${head} ${published}`;
}

/** The same rule as for files on disk. */
function isPromptName(path: string): boolean {
  return isYamlName(path) && !path.split('/').some((part) => part.startsWith('.') || part === 'node_modules');
}

function eventsOf(root: Root, history: CommittedHistory | undefined): HistoryEvents {
  if (history === undefined || root.git.kind !== 'found') return NO_HISTORY;
  const { prefix } = root.git.place;
  const toEvent = (state: CommittedState): HistoryEvent => {
    const { draft, commit, at, author, path } = state;
    const inside = path.startsWith(prefix) ? path.slice(prefix.length) : null;
    const file = inside === null ? path : root.shown === '.' ? inside : join(root.shown, inside);
    return { draft, file, line: null, commit, at, author };
  };
  const { mainline, drafts, side } = history;
  return { mainline: mainline.map(toEvent), drafts: drafts.map(toEvent), side: side.map(toEvent) };
}

function brokenIds(files: RegistryState['files']): ReadonlyMap<string, string> {
  return new Map(
    [...files].flatMap(([file, { read }]) => (read.brokenId === null ? [] : [[read.brokenId, file] as const])),
  );
}
