/** What one group of equal calls says about a prompt. Pure. */

import type { RegisteredVersion } from '../contract/prompt.ts';
import { type Expected, pinnedVersion } from './expected.ts';
import type { TrafficGroup } from './traffic-window.ts';
import { isOlder } from './version-order.ts';

export type TrafficClass =
  | 'edited'
  | 'unregistered'
  | 'badge_lied'
  | 'stale_version'
  | 'ahead'
  | 'as_expected'
  /** It fits older and newer versions alike: evidence for nothing. */
  | 'unclear'
  | 'uncheckable';

export function classify(expected: Expected, group: TrafficGroup): TrafficClass {
  const { attribution } = group;
  switch (attribution.kind) {
    case 'unverifiable':
    case 'insufficient_evidence':
      return 'uncheckable';
    case 'unknown':
      return 'unregistered';
    case 'near':
      return attribution.near.some((near) => near.prompt === expected.prompt) ? 'edited' : 'unregistered';
    case 'declared':
    case 'exact':
    case 'rendered':
    case 'ambiguous':
      return classifyVersions(expected, group);
  }
  // Unreachable while the kinds above are all there are.
  return 'unclear';
}

/** The registered versions that the text can be. */
export function versionsOf(expected: Expected, group: TrafficGroup): readonly RegisteredVersion[] {
  const names = new Set(
    group.attribution.matches.filter((match) => match.prompt === expected.prompt).map((match) => match.version),
  );
  return expected.versions.filter((version) => names.has(version.version));
}

function classifyVersions(expected: Expected, group: TrafficGroup): TrafficClass {
  const versions = versionsOf(expected, group);
  // The text of another prompt, sent under this one's name.
  if (versions.length === 0) return group.attribution.contradictsDeclaration ? 'badge_lied' : 'unclear';
  if (group.attribution.contradictsDeclaration) return 'badge_lied';
  const pinned = pinnedVersion(expected);
  if (pinned === null || versions.includes(pinned)) return 'as_expected';
  if (versions.every((version) => isOlder(version, pinned, expected.versions))) return 'stale_version';
  return versions.every((version) => isOlder(pinned, version, expected.versions)) ? 'ahead' : 'unclear';
}
