/** Finds instances of one service that use different versions at the same time. Pure. */

import type { Timestamp } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import { millisBetween } from '../lib/time.ts';
import { type Expected, pinnedVersion } from './expected.ts';
import type { TrafficGroup, TrafficThresholds, TrafficWindow } from './traffic-window.ts';
import { versionsOf } from './traffic-class.ts';
import { versionWords } from './version-order.ts';

interface Use {
  readonly instance: string;
  readonly versions: ReadonlySet<string>;
  readonly calls: number;
  readonly from: Timestamp;
  readonly until: Timestamp;
  readonly groups: readonly TrafficGroup[];
}

export interface Split {
  readonly words: string;
  /** The groups on a version that is not pinned. */
  readonly groups: readonly TrafficGroup[];
  readonly evidence: Evidence;
}

const NAMED_MAX = 6;

/**
 * Two instances with enough calls each, whose texts can't be the same version, side by side for
 * longer than a rolling deployment takes. Instances without a name can't be told apart.
 */
export function splitOf(expected: Expected, window: TrafficWindow, thresholds: TrafficThresholds): Split | null {
  const uses = [...Map.groupBy(window.groups, (group) => group.instance)].flatMap(([instance, groups]) =>
    instance === '' ? [] : usesOf(expected, instance, groups),
  );
  const enough = uses.filter((use) => use.calls >= thresholds.callsMin);
  const apart = enough.some((a, index) =>
    enough
      .slice(index + 1)
      .some(
        (b) =>
          a.instance !== b.instance &&
          [...a.versions].every((version) => !b.versions.has(version)) &&
          overlapMs(a, b) >= thresholds.splitDurationMsMin,
      ),
  );
  if (!apart) return null;
  const pinned = pinnedVersion(expected)?.version;
  const named = enough.map(
    (use) => `${use.instance} uses ${[...use.versions].map(versionWords).join(' or ')} (${use.calls} calls)`,
  );
  const shown = named.length > NAMED_MAX ? [...named.slice(0, NAMED_MAX), `${named.length - NAMED_MAX} more`] : named;
  return {
    words: summaryWords(enough),
    groups: enough.filter((use) => pinned === undefined || !use.versions.has(pinned)).flatMap((use) => use.groups),
    evidence: { kind: 'split', words: shown.join(', ') },
  };
}

/** One use for each set of versions that an instance's texts can be. */
function usesOf(expected: Expected, instance: string, groups: readonly TrafficGroup[]): readonly Use[] {
  const known = groups.filter((group) => versionsOf(expected, group).length > 0);
  const keyed = Map.groupBy(known, (group) =>
    versionsOf(expected, group)
      .map((version) => version.version)
      .join(' '),
  );
  return [...keyed.values()].map((same): Use => ({
    instance,
    versions: new Set(same.flatMap((group) => versionsOf(expected, group).map((version) => version.version))),
    calls: same.reduce((total, group) => total + group.calls, 0),
    from: same.map((group) => group.firstAt).toSorted()[0] as Timestamp,
    until: same
      .map((group) => group.lastAt)
      .toSorted()
      .at(-1) as Timestamp,
    groups: same,
  }));
}

function overlapMs(a: Use, b: Use): number {
  const from = a.from > b.from ? a.from : b.from;
  const until = a.until < b.until ? a.until : b.until;
  return millisBetween(from, until);
}

function summaryWords(uses: readonly Use[]): string {
  const instances = Map.groupBy(uses, (use) => [...use.versions].map(versionWords).join(' or '));
  return [...instances].map(([version, list]) => `${version} on ${list.length}`).join(', ');
}
