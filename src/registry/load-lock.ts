/** Loads the lockfile with the dates of its pins, and keeps the pins of before while it can't be understood. */

import { dirname } from 'node:path';
import { isFault } from '../contract/fault.ts';
import type { Pin } from '../contract/prompt.ts';
import type { Problem } from '../lib/problems.ts';
import { readText, signatureOf, whyNoFile } from './discover.ts';
import type { GitPlaceAnswer, GitPlaces } from './git-places.ts';
import { LOCK_BYTES_MAX, readLockFile, type LockedVersions, type ReadLockFile, type WrittenPin } from './lockfile.ts';
import { datePins } from './pin-history.ts';

export interface LockPlace {
  readonly absolute: string;
  readonly shown: string;
  /** Null when there is no such file. */
  readonly signature: string | null;
  /** Why what is there is no lockfile that can be read; continues its name. */
  readonly refusal: string | null;
  readonly git: GitPlaceAnswer;
}

export async function lookAtLock(
  absolute: string,
  shown: string,
  places: GitPlaces,
  signal: AbortSignal,
): Promise<LockPlace> {
  const signature = await signatureOf(absolute);
  if (signature === null) {
    const refusal = await whyNoFile(absolute);
    return { absolute, shown, signature, refusal, git: { kind: 'no_repository' } };
  }
  return { absolute, shown, signature, refusal: null, git: await places.find(dirname(absolute), signal) };
}

export interface LoadedLock {
  /** Null when there is no lockfile, or its text can't be read. */
  readonly read: ReadLockFile | null;
  /** Null when there is a lockfile that can't be understood. */
  readonly locked: LockedVersions | null;
  readonly pins: readonly WrittenPin[];
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

const NONE: LoadedLock = { read: null, locked: new Map(), pins: [], problems: [], notes: [] };

const GONE = 'is gone. Put it back; to unpin everything, leave `environments: {}` in it.';

/** `before`: the pins of the last load, if there was one. A slip of the pen must not unpin everything. */
export async function loadLock(
  file: LockPlace | null,
  before: readonly Pin[] | null,
  signal: AbortSignal,
): Promise<LoadedLock> {
  if (file === null) return NONE;
  const isGone = file.signature === null && file.refusal === null;
  if (isGone && (before === null || before.length === 0)) {
    const note = `There is no lockfile ${file.shown}: nothing is pinned. \`plumbline lock\` writes one.`;
    return { ...NONE, notes: [note] };
  }
  const notes = before === null ? [] : [`${file.shown} can't be read, so the pins of before stay in force.`];
  const unreadable = { locked: null, pins: before ?? [], notes };
  const refusal = isGone ? GONE : file.refusal;
  const text =
    refusal === null ? await readText(file.absolute, LOCK_BYTES_MAX) : ({ ok: false, reason: refusal } as const);
  if (!text.ok) {
    return { ...unreadable, read: null, problems: [{ file: file.shown, field: '', message: text.reason }] };
  }
  const read = readLockFile(text.text, file.shown);
  const { problems, locked } = read;
  if (read.document.problems.length > 0) return { ...unreadable, read: null, problems };
  if (file.git.kind !== 'found') return { read, locked, problems, pins: read.pins, notes: [] };
  try {
    const pins = await datePins(file.git.place, file.absolute, read.pins, signal);
    return { read, locked, problems, pins, notes: [] };
  } catch (error) {
    if (signal.aborted || !isFault(error)) throw error;
    const note = `Since when pins stand is not known: ${error.message}`;
    return { read, locked, problems, pins: read.pins, notes: [note] };
  }
}
