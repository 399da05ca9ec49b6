/** What supports a verdict, in words for a person. Pure. */

import type { HeldObservation } from '../contract/observation.ts';
import type { Pin, RegisteredVersion } from '../contract/prompt.ts';
import type { Evidence } from '../contract/verdict.ts';
import { timeWords } from '../text/time-words.ts';
import type { ContentCase } from './content-case.ts';
import { type ContentMatch, matchContent } from './content-match.ts';
import type { SettingsChange } from './settings.ts';
import { versionWords } from './version-order.ts';

export function hashEvidence(how: string, version: string): Evidence {
  return { kind: 'hash', words: `${how}: the text of ${version}` };
}

export function pinEvidence(pin: Pin | null): Evidence {
  if (pin === null) return { kind: 'pin', words: 'nothing is pinned' };
  const line = pin.origin.line === undefined ? '' : `:${pin.origin.line}`;
  const since = pin.since === null ? '' : ` since ${timeWords(pin.since)}`;
  const by = pin.by === null ? '' : ` (${pin.by})`;
  return {
    kind: 'pin',
    words: `${pin.rule} says ${versionWords(pin.version)}${since}${by}, ${pin.origin.file}${line}`,
  };
}

export function settingsEvidence(changes: readonly SettingsChange[]): readonly Evidence[] {
  return changes.map((change) => ({
    kind: 'settings',
    words: `${change.field}: ${change.expected ?? 'none'} registered, ${change.observed ?? 'none'} live`,
  }));
}

/**
 * The registered version that the source's own label names. Only a source that is the registry of
 * those versions uses their names: elsewhere a `7` is a revision counter and means nothing.
 */
export function claimedVersion({ expected, held }: ContentCase): RegisteredVersion | null {
  if (held.sourceVersion === null) return null;
  return (
    expected.versions.find((version) => version.version === held.sourceVersion && version.registry === held.source) ??
    null
  );
}

export function badgeEvidence(given: ContentCase): readonly Evidence[] {
  const claimed = claimedVersion(given);
  if (claimed === null || given.matches.some((match) => match.version === claimed)) return [];
  const named = versionWords(claimed.version);
  return [
    { kind: 'source_version', words: `${given.held.source} calls it ${named}, and it is not the text of ${named}` },
  ];
}

/**
 * Parts that hold different registered versions of one prompt at the same time, where the source
 * declares no traffic split; null otherwise. Parts whose text is no version of this prompt (other
 * nodes of a workflow) say nothing.
 */
export function splitEvidence({ expected, observed, held }: ContentCase, own: ContentMatch): Evidence | null {
  const undeclared = observed.siblings.filter((part) => part.share === null);
  if (held.share !== null || undeclared.length === 0) return null;
  const others = undeclared.flatMap((part) => {
    const [match] = matchContent(expected.versions, part);
    return match === undefined ? [] : [{ part, match }];
  });
  if (!others.some(({ match }) => match.version.version !== own.version.version)) return null;
  const all = [{ part: held, match: own }, ...others];
  const words = all.map(({ part, match }) => `${partWords(part)} holds ${versionWords(match.version.version)}`);
  return { kind: 'split', words: `at the same time ${words.slice(0, 10).join(', ')}` };
}

function partWords(part: HeldObservation): string {
  return part.part === '' ? part.target : part.part;
}
