/** Which of two registered versions is the older one. Pure. */

import semver from 'semver';
import type { RegisteredVersion } from '../contract/prompt.ts';

/**
 * By descent, else by number (`9` before `10`, `1.9.0` before `1.10.0`), else by the time of
 * registration, else by the registry's order. Commit hashes have no order of their own.
 */
export function isOlder(a: RegisteredVersion, b: RegisteredVersion, versions: readonly RegisteredVersion[]): boolean {
  if (isAncestor(a, b, versions)) return true;
  if (isAncestor(b, a, versions)) return false;
  const byNumber = compareNumbers(a.version, b.version);
  if (byNumber !== null && byNumber !== 0) return byNumber < 0;
  if (a.registeredAt !== null && b.registeredAt !== null && a.registeredAt !== b.registeredAt) {
    return a.registeredAt < b.registeredAt;
  }
  return versions.indexOf(a) < versions.indexOf(b);
}

/** The newest of several; null of none. */
export function newest(
  candidates: readonly RegisteredVersion[],
  versions: readonly RegisteredVersion[],
): RegisteredVersion | null {
  return candidates.reduce<RegisteredVersion | null>(
    (best, version) => (best === null || isOlder(best, version, versions) ? version : best),
    null,
  );
}

/** `v7`, `v1.4.0`; a commit hash stays as it is. */
export function versionWords(version: string): string {
  return /^\d+(\.\d+)*([-+].*)?$/.test(version) ? `v${version}` : version;
}

function isAncestor(
  ancestor: RegisteredVersion,
  version: RegisteredVersion,
  versions: readonly RegisteredVersion[],
): boolean {
  let parent = version.parent;
  // A chain is at most as long as the list: a cycle, which the registry refuses, could not hold us.
  for (let step = 0; parent !== null && step < versions.length; step += 1) {
    if (parent === ancestor.version) return true;
    const wanted = parent;
    parent = versions.find((candidate) => candidate.version === wanted)?.parent ?? null;
  }
  return false;
}

function compareNumbers(a: string, b: string): number | null {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) {
    const difference = BigInt(a) - BigInt(b);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  const [first, second] = [semver.parse(a), semver.parse(b)];
  return first === null || second === null ? null : semver.compare(first, second);
}
