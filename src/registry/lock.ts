/**
 * What `plumbline lock` does: pins what has no pin yet, moves the pins it is told to move, and
 * refreshes hashes. The plan is pure; only `writeLockFile` touches the disk.
 */

import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { ContentHash, RegisteredVersion } from '../contract/prompt.ts';
import { closest } from '../lib/closest.ts';
import { didYouMean, oneOf } from '../lib/problems.ts';
import { renderLockFile, whyNotLockable, type LockedVersion, type LockedVersions } from './lockfile.ts';
import { compareVersions, newestVersion } from './version-order.ts';

export interface LockRequest {
  readonly prompt: string;
  /** Null: the newest. */
  readonly version: string | null;
}

export interface LockOptions {
  /** What the lockfile holds now; empty when there is none. Null: it can't be understood, so nothing is planned. */
  readonly locked: LockedVersions | null;
  readonly versions: readonly RegisteredVersion[];
  /** Prompts that have a file today. One that was deleted is pinned by no default. */
  readonly present: ReadonlySet<string>;
  /** Null: all environments of the lockfile, or `production` when it has none. */
  readonly environment: string | null;
  /**
   * None: pin the newest version of every prompt without a pin, and refresh the hashes of the rest.
   * Some: move these pins, touch nothing else.
   */
  readonly requests: readonly LockRequest[];
}

export interface LockChange {
  readonly kind: 'pinned' | 'moved' | 'hash_refreshed';
  readonly environment: string;
  readonly prompt: string;
  readonly from: LockedVersion | null;
  readonly to: { readonly version: string; readonly hash: ContentHash };
}

export interface LockPlan {
  /** The whole new lockfile; write it only when there are changes and no refusals. */
  readonly text: string;
  readonly changes: readonly LockChange[];
  /** What was asked and can't be done, and pins that name nothing registered; these are left as they are. */
  readonly refusals: readonly string[];
}

/** `support.intent@2` or `support.intent`. */
export function parseLockRequest(text: string): LockRequest {
  const at = text.lastIndexOf('@');
  return at <= 0 ? { prompt: text, version: null } : { prompt: text.slice(0, at), version: text.slice(at + 1) };
}

export function planLock(options: LockOptions): LockPlan {
  if (options.locked === null) {
    const refusal = 'The lockfile has problems of its own: solve what `plumbline validate` says about it first.';
    return { text: '', changes: [], refusals: [refusal] };
  }
  const refusal = options.environment === null ? null : whyNotLockable(options.environment);
  // Written all the same, it would be a lockfile that nobody reads any more.
  if (refusal !== null) return { text: '', changes: [], refusals: [refusal] };
  const registered = byPrompt(options.versions);
  const locked = new Map([...options.locked].map(([environment, pins]) => [environment, new Map(pins)]));
  const changes: LockChange[] = [];
  const refusals: string[] = [];
  for (const environment of environmentsOf(options.environment, locked)) {
    const pins = locked.get(environment) ?? new Map<string, LockedVersion>();
    locked.set(environment, pins);
    const requests = options.requests.length > 0 ? options.requests : everyPin(pins, registered, options.present);
    for (const request of requests) {
      const found = find(request, registered);
      if (typeof found === 'string') {
        refusals.push(found);
        continue;
      }
      const from = pins.get(request.prompt) ?? null;
      const to = { version: found.version, hash: found.variants[0].hashes.strict };
      const kind = kindOf(from, to);
      if (kind === null) continue;
      pins.set(request.prompt, to);
      changes.push({ kind, environment, prompt: request.prompt, from, to });
    }
  }
  return { text: renderLockFile(locked), changes, refusals: [...new Set(refusals)] };
}

function environmentsOf(environment: string | null, locked: LockedVersions): readonly string[] {
  if (environment !== null) return [environment];
  return locked.size === 0 ? ['production'] : [...locked.keys()];
}

function byPrompt(versions: readonly RegisteredVersion[]): ReadonlyMap<string, ReadonlyMap<string, RegisteredVersion>> {
  const prompts = new Map<string, Map<string, RegisteredVersion>>();
  for (const version of versions) {
    prompts.set(version.prompt, (prompts.get(version.prompt) ?? new Map()).set(version.version, version));
  }
  return prompts;
}

/** Each pin where it stands, and the newest version of each prompt that has none. */
function everyPin(
  pins: ReadonlyMap<string, LockedVersion>,
  registered: ReadonlyMap<string, ReadonlyMap<string, RegisteredVersion>>,
  present: ReadonlySet<string>,
): readonly LockRequest[] {
  const unpinned = [...registered].flatMap(([prompt, versions]) => {
    const isComponent = [...versions.values()].every((version) => version.isComponent);
    return isComponent || !present.has(prompt) || pins.has(prompt) ? [] : [{ prompt, version: null }];
  });
  return [...[...pins].map(([prompt, { version }]) => ({ prompt, version })), ...unpinned];
}

/** The version to pin, or why there is none. */
function find(
  { prompt, version }: LockRequest,
  registered: ReadonlyMap<string, ReadonlyMap<string, RegisteredVersion>>,
): RegisteredVersion | string {
  const versions = registered.get(prompt);
  if (versions === undefined) {
    const guess = closest(prompt, registered.keys());
    return `${prompt} is not a registered prompt.${guess === null ? '' : ` ${didYouMean(guess)}`}`;
  }
  const wanted = version ?? newestVersion(versions.keys()) ?? '';
  const found = versions.get(wanted);
  if (found === undefined) {
    return `${prompt} has no version ${wanted}; registered: ${oneOf([...versions.keys()].toSorted(compareVersions))}.`;
  }
  return found.isComponent ? `${prompt} is a component: pin the prompts that include it.` : found;
}

function kindOf(from: LockedVersion | null, to: LockedVersion): LockChange['kind'] | null {
  if (from === null) return 'pinned';
  if (from.version !== to.version) return 'moved';
  return from.hash === to.hash ? null : 'hash_refreshed';
}

/** Whole or not at all: whoever reads meanwhile sees the old file or the new one. */
export async function writeLockFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
