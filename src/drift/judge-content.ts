/**
 * Compares what a target holds with what is registered and pinned, and names the branch that
 * decided. Pure.
 */

import type { HeldObservation } from '../contract/observation.ts';
import type { RegisteredVersion } from '../contract/prompt.ts';
import type { Evidence } from '../contract/verdict.ts';
import { type ContentCase, type Decision, decision } from './content-case.ts';
import { type ContentMatch, matchContent, matchWords } from './content-match.ts';
import { decideUnknownContent } from './judge-unknown-content.ts';
import {
  badgeEvidence,
  claimedVersion,
  hashEvidence,
  pinEvidence,
  settingsEvidence,
  splitEvidence,
} from './evidence.ts';
import { type Expected, hasHash, type Observed, pinnedVersion, variantFor } from './expected.ts';
import { isOlder, newest, versionWords } from './version-order.ts';

export function decideContent(expected: Expected, observed: Observed, held: HeldObservation): Decision {
  const matches = matchContent(expected.versions, held);
  const pinned = pinnedVersion(expected);
  const given: ContentCase = { expected, observed, held, matches, pinned };
  if (held.share === 0) return getsNoTraffic(given);
  if (expected.versions.length === 0 && expected.pin === null) return promptNotRegistered(given);
  if (expected.pin === null) return decideUnpinned(given);
  if (pinned === null) return decidePinUnknown(given);
  if (!hasHash(pinned, expected.pin.hash)) return decideTampered(given, pinned);
  return decidePinned(given, pinned);
}

function decidePinned(given: ContentCase, pinned: RegisteredVersion): Decision {
  const match = given.matches.find((candidate) => candidate.version === pinned);
  const lie = badgeLie(given);
  if (match !== undefined) {
    if (lie !== null) return badgeLied(given, match, lie, 'badge_names_other_version');
    return match.settings.changes.length > 0 ? settingsChanged(given, match) : inSync(match);
  }
  const others = given.matches.map((candidate) => candidate.version);
  const other = given.matches.find((candidate) => candidate.version === newest(others, given.expected.versions));
  if (other === undefined) return decideUnknownContent(given, pinned);
  if (lie !== null) return badgeLied(given, other, lie, 'badge_names_version_not_held');
  return otherVersion(given, pinned, other);
}

/** Nothing says which version should be here: any registered one is fine, everything else is not. */
function decideUnpinned(given: ContentCase): Decision {
  const versions = given.matches.map((candidate) => candidate.version);
  const match = given.matches.find((candidate) => candidate.version === newest(versions, given.expected.versions));
  if (match === undefined) return decideUnknownContent(given, null);
  const lie = badgeLie(given);
  if (lie !== null) return badgeLied(given, match, lie, 'badge_names_version_not_held');
  if (match.settings.changes.length > 0) return settingsChanged(given, match);
  const note = {
    kind: 'pin',
    words: `nothing is pinned in ${given.expected.environment}; any registered version will do`,
  };
  const synced = inSync(match);
  return { ...synced, reason: 'registered_and_nothing_pinned', evidence: [...synced.evidence, note] };
}

/** The lockfile names a version that the registry lacks: its hash is all that can be compared. */
function decidePinUnknown(given: ContentCase): Decision {
  const { expected, held, matches } = given;
  const pin = expected.pin;
  const named = versionWords(pin?.version ?? '');
  const note = { kind: 'pin', words: `${pin?.rule ?? 'a pin'} names ${named}, which is not registered` };
  if (pin !== null && held.hashes.strict === pin.hash) {
    const words = `holds ${named}, identical`;
    return decision('in_sync', 'pinned_hash_held', words, pin.version, [hashEvidence('identical', named), note]);
  }
  const [match] = matches;
  if (match !== undefined) {
    const holds = versionWords(match.version.version);
    const words = `holds ${holds} where ${named} is pinned`;
    const evidence = [hashEvidence(matchWords(match), holds), note];
    return decision('stale_version', 'hash_equals_other_version', words, match.version.version, evidence);
  }
  // Its text is not known: a copy that only lost its last line feed would look like an edit.
  const words = `can't be checked: ${named} is pinned but not registered`;
  return decision('unverifiable', 'pinned_version_not_registered', words, null, [note]);
}

/** The registry's text of the pinned version is not what was pinned. What is held is compared with the pin's hash. */
function decideTampered(given: ContentCase, pinned: RegisteredVersion): Decision {
  const { expected, held, matches } = given;
  const named = versionWords(pinned.version);
  const note: Evidence = {
    kind: 'registry',
    words: `${pinned.origin.file} now has another text for ${named} than ${expected.pin?.rule ?? 'the pin'} recorded`,
  };
  if (held.hashes.strict === expected.pin?.hash) {
    const evidence = [hashEvidence('identical', `${named} as it was pinned`), note];
    return decision('in_sync', 'pinned_hash_held', `holds ${named} as it was pinned`, pinned.version, evidence);
  }
  const match = matches.find((candidate) => candidate.version === pinned);
  if (match !== undefined) {
    const words = `holds a text that was put under ${named} after ${named} was pinned`;
    const evidence = [hashEvidence(matchWords(match), `${named} as it is registered now`), note];
    return decision('registry_tampered', 'holds_text_changed_after_pin', words, pinned.version, evidence);
  }
  const decided = decidePinned(given, pinned);
  return { ...decided, evidence: [...decided.evidence, note] };
}

function inSync(match: ContentMatch): Decision {
  const holds = versionWords(match.version.version);
  const how = matchWords(match);
  const reason =
    match.rewrapped || match.kind === 'transport'
      ? 'same_re_encoded'
      : match.kind === 'strict'
        ? 'identical'
        : 'whitespace_drift';
  const { notReported } = match.settings;
  const silent =
    notReported.length === 0
      ? []
      : [{ kind: 'settings', words: `the source does not report ${notReported.join(', ')}` }];
  return {
    ...decision('in_sync', reason, `holds ${holds}, ${how}`, match.version.version, [
      hashEvidence(how, holds),
      ...silent,
    ]),
    comparedWith: match,
  };
}

function settingsChanged(given: ContentCase, match: ContentMatch): Decision {
  const { changes } = match.settings;
  const holds = versionWords(match.version.version);
  const fields = changes.map((change) => change.field);
  const shown =
    fields.length > 3 ? `${fields.slice(0, 3).join(', ')} and ${fields.length - 3} more` : fields.join(', ');
  return {
    verdict: 'settings_changed',
    reason: 'text_equal_settings_differ',
    words: `has the text of ${holds} but other settings: ${shown}`,
    version: match.version.version,
    comparedWith: match,
    settings: changes,
    evidence: [hashEvidence(matchWords(match), holds), ...settingsEvidence(changes), ...badgeEvidence(given)],
  };
}

function otherVersion(given: ContentCase, pinned: RegisteredVersion, other: ContentMatch): Decision {
  const { expected } = given;
  const [wanted, holds] = [versionWords(pinned.version), versionWords(other.version.version)];
  const common = {
    version: other.version.version,
    comparedWith: { version: pinned, variant: variantFor(pinned, given.held.settings.model) },
    settings: other.settings.changes,
  };
  const same = given.matches.filter((match) => match !== other).map((match) => versionWords(match.version.version));
  const also = same.length === 0 ? [] : [{ kind: 'hash', words: `${same.join(', ')} has the same text` }];
  const evidence = [
    hashEvidence(matchWords(other), holds),
    ...also,
    pinEvidence(expected.pin),
    ...settingsEvidence(common.settings),
  ];
  const split = splitEvidence(given, other);
  if (split !== null) {
    const words = `differs between the parts of ${given.held.target}: ${given.held.part || 'one part'} holds ${holds}, ${wanted} is pinned`;
    return {
      ...common,
      verdict: 'replica_split',
      reason: 'parts_hold_different_versions',
      words,
      evidence: [...evidence, split],
    };
  }
  const older = isOlder(other.version, pinned, expected.versions);
  return {
    ...common,
    verdict: older ? 'stale_version' : 'ahead',
    reason: older ? 'hash_equals_older_version' : 'hash_equals_newer_version',
    words: older
      ? `still holds ${holds}; ${wanted} is pinned`
      : `holds ${holds}, which is newer than the pinned ${wanted}`,
    evidence,
  };
}

/** The registered version that the source names, when its text is not what the source holds. */
function badgeLie(given: ContentCase): string | null {
  const claimed = claimedVersion(given);
  return claimed === null || given.matches.some((match) => match.version === claimed) ? null : claimed.version;
}

function badgeLied(given: ContentCase, match: ContentMatch, claimed: string, reason: string): Decision {
  const { pinned, held } = given;
  const [named, holds] = [versionWords(claimed), versionWords(match.version.version)];
  const base = pinned ?? match.version;
  return {
    verdict: 'badge_lied',
    reason,
    words: `says ${named} but holds ${holds}`,
    version: match.version.version,
    comparedWith: { version: base, variant: variantFor(base, held.settings.model) },
    settings: match.settings.changes,
    evidence: [
      hashEvidence(matchWords(match), holds),
      ...badgeEvidence(given),
      ...(given.expected.pin === null ? [] : [pinEvidence(given.expected.pin)]),
      ...settingsEvidence(match.settings.changes),
    ],
  };
}

function getsNoTraffic(given: ContentCase): Decision {
  const [match] = given.matches;
  const words = 'gets no traffic, so it can be anything';
  const evidence = [{ kind: 'split', words: 'the source sends 0 % of the traffic here' }];
  return decision('in_sync', 'gets_no_traffic', words, match?.version.version ?? null, evidence);
}

function promptNotRegistered({ expected, observed }: ContentCase): Decision {
  const match = observed.attribution?.matches.find((candidate) => candidate.prompt !== expected.prompt);
  const theirs = match === undefined ? '' : `; its text is ${match.prompt} ${versionWords(match.version)}`;
  const evidence = [{ kind: 'registry', words: `no version of ${expected.prompt} is registered` }];
  return decision('unregistered', 'prompt_not_registered', `is live but nobody registered it${theirs}`, null, evidence);
}
