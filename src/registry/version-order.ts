/** Versions of prompts: whole numbers or semantic versions, always carried as text. Pure. */

import semver from 'semver';
import { compareText } from '../lib/compare.ts';

const WHOLE_NUMBER = /^(?:0|[1-9]\d{0,14})$/;

/** `2`, `1.4.0`, `2.0.0-rc.1`; not `01`, `1.4`, `v2`, `latest`. */
export function isVersion(text: string): boolean {
  return WHOLE_NUMBER.test(text) || (text.length <= 100 && semver.valid(text) === text);
}

/**
 * Negative when `a` is older. A whole number counts as major version, so that a prompt may change
 * from `2` to `2.1.0`; anything that is no version (of another registry, say) is ordered as text,
 * before all versions.
 */
export function compareVersions(a: string, b: string): number {
  const left = asSemver(a);
  const right = asSemver(b);
  if (left !== null && right !== null) return semver.compare(left, right) || compareText(a, b);
  if (left !== null) return 1;
  return right === null ? compareText(a, b) : -1;
}

/** The newest of some versions, or null when there is none. */
export function newestVersion(versions: Iterable<string>): string | null {
  let newest: string | null = null;
  for (const version of versions) {
    if (newest === null || compareVersions(version, newest) > 0) newest = version;
  }
  return newest;
}

function asSemver(version: string): string | null {
  return WHOLE_NUMBER.test(version) ? `${version}.0.0` : semver.valid(version);
}
