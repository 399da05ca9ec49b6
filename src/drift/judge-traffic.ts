/**
 * The verdict about one prompt in the traffic of one service, from a window of attributed calls. A
 * single odd call never decides: each finding needs a number, a share and a duration. Pure.
 */

import type { TimeInterval, Timestamp } from '../contract/time.ts';
import type { Evidence, Judgement, Verdict } from '../contract/verdict.ts';
import { addMillis, formatDuration, millisBetween } from '../lib/time.ts';
import { mayBeOwnText } from '../attribution/index.ts';
import { timeWords } from '../text/time-words.ts';
import type { HiddenEdit } from './hidden-edit.ts';
import { type Expected, pinnedVersion } from './expected.ts';
import { judgeHiddenEdit } from './judge-hidden-edit.ts';
import { severityOf } from './severity.ts';
import { classify, type TrafficClass } from './traffic-class.ts';
import { splitOf } from './traffic-split.ts';
import { trafficTarget } from './traffic-target.ts';
import { TRAFFIC_THRESHOLDS, type TrafficGroup, type TrafficThresholds, type TrafficWindow } from './traffic-window.ts';
import { versionWords } from './version-order.ts';

/** What decides when several findings hold, worst first. */
const PRECEDENCE: readonly TrafficClass[] = ['edited', 'unregistered', 'badge_lied', 'stale_version', 'ahead'];

const WORDS: Readonly<Record<TrafficClass, string>> = {
  edited: 'carry an edited text',
  unregistered: 'carry a text that is like no registered version',
  badge_lied: 'declare one version and carry the text of another',
  stale_version: 'carry an older version than the pinned one',
  ahead: 'carry a newer version than the pinned one',
  as_expected: 'carry what is expected',
  unclear: 'fit several versions',
  uncheckable: 'could not be checked, because their content was not captured or says too little',
};

/** While a service called something else for so long, it did not call this; as the time machine has it. */
const ABSENT_MS = 15 * 60_000;

interface Tally {
  readonly kind: TrafficClass;
  readonly calls: number;
  readonly groups: readonly TrafficGroup[];
}

export function judgeTraffic(
  expected: Expected,
  window: TrafficWindow,
  thresholds: TrafficThresholds = TRAFFIC_THRESHOLDS,
): Judgement {
  const tallies = tally(expected, window, thresholds);
  const checkable = sum(tallies.filter(({ kind }) => kind !== 'uncheckable'));
  const found = PRECEDENCE.map((kind) => tallies.find((one) => one.kind === kind)).find(
    (one) => one !== undefined && crosses(one, checkable, thresholds),
  );
  const counts = tallies.map(tallyEvidence);
  const hidden = window.hiddenEdits
    ?.filter((edit) => !isOwnText(expected, edit))
    .toSorted((a, b) => b.seenAt.length - a.seenAt.length)[0];
  if (hidden !== undefined && found?.kind !== 'edited') {
    // Those that are as expected are the calls with the edit.
    const others = tallies.filter(({ kind }) => kind !== 'as_expected');
    return judgeHiddenEdit(expected, window, hidden, others.map(tallyEvidence));
  }
  const split =
    found === undefined || found.kind === 'stale_version' || found.kind === 'ahead'
      ? splitOf(expected, window, thresholds)
      : null;
  if (split !== null) {
    const words = `instances of ${window.service} use different versions at the same time: ${split.words}`;
    return judgement(expected, window, 'replica_split', 'instances_use_different_versions', words, split.groups, [
      split.evidence,
      ...counts,
    ]);
  }
  if (found !== undefined) {
    const words = `${found.calls} of ${checkable} calls of ${window.service} ${WORDS[found.kind]}`;
    return judgement(expected, window, found.kind as Verdict, `traffic_${found.kind}`, words, found.groups, counts);
  }
  const good = sum(tallies.filter(({ kind }) => kind === 'as_expected'));
  if (good >= thresholds.callsMin) {
    const words = `${good} of ${checkable} calls of ${window.service} carry what is expected`;
    return judgement(expected, window, 'in_sync', 'traffic_as_expected', words, [], counts);
  }
  const reason = checkable === 0 ? 'no_content_to_check' : 'too_few_calls';
  const words = checkable === 0 ? 'no call could be checked' : `only ${checkable} calls could be checked`;
  return judgement(expected, window, 'unverifiable', reason, words, [], counts);
}

/** What a template says where a condition came to be true was added by nobody. */
function isOwnText({ versions }: Expected, { version, name, shared }: HiddenEdit): boolean {
  const variants = versions.find((candidate) => candidate.version === version)?.variants ?? [];
  return variants.some((variant) => mayBeOwnText(variant, name, shared));
}

function tally(expected: Expected, window: TrafficWindow, thresholds: TrafficThresholds): readonly Tally[] {
  const classified = Map.groupBy(window.groups, (group) =>
    withinGrace(classify(expected, group), group, expected, thresholds),
  );
  return [...classified].map(([kind, groups]) => ({
    kind,
    groups,
    calls: groups.reduce((total, group) => total + group.calls, 0),
  }));
}

/** A label that moved is not yet a prompt that changed: caches serve the old one for a while. */
function withinGrace(
  kind: TrafficClass,
  group: TrafficGroup,
  { pin }: Expected,
  { graceMs }: TrafficThresholds,
): TrafficClass {
  if (kind !== 'stale_version' || pin?.since == null) return kind;
  return group.lastAt <= addMillis(pin.since, graceMs) ? 'as_expected' : kind;
}

function crosses({ calls, groups }: Tally, checkable: number, thresholds: TrafficThresholds): boolean {
  const [first, last] = span(groups);
  if (first === null || last === null) return false;
  return (
    calls >= thresholds.callsMin &&
    calls / checkable >= thresholds.shareMin &&
    millisBetween(first, last) >= thresholds.durationMsMin
  );
}

function span(groups: readonly TrafficGroup[]): readonly [Timestamp | null, Timestamp | null] {
  let [first, last]: [Timestamp | null, Timestamp | null] = [null, null];
  for (const group of groups) {
    if (first === null || group.firstAt < first) first = group.firstAt;
    if (last === null || group.lastAt > last) last = group.lastAt;
  }
  return [first, last];
}

function sum(tallies: readonly Tally[]): number {
  return tallies.reduce((total, { calls }) => total + calls, 0);
}

function tallyEvidence({ kind, calls, groups }: Tally): Evidence {
  const [first, last] = span(groups);
  const instances = new Set(groups.map((group) => group.instance)).size;
  const where = instances === 1 ? `instance ${groups[0]?.instance || 'unnamed'}` : `${instances} instances`;
  const when = first === null || last === null ? '' : `, ${timeWords(first)} to ${timeWords(last)}`;
  return { kind: 'traffic', words: `${calls} calls ${WORDS[kind]} (${where}${when})` };
}

function judgement(
  expected: Expected,
  window: TrafficWindow,
  verdict: Verdict,
  reason: string,
  words: string,
  groups: readonly TrafficGroup[],
  evidence: readonly Evidence[],
): Judgement {
  // The content that most of the offending calls carried stands for them.
  const worst = groups.toSorted((a, b) => b.calls - a.calls)[0];
  const pinned = pinnedVersion(expected);
  const own = worst?.attribution.matches.find((match) => match.prompt === expected.prompt);
  const near = worst?.attribution.near.find((match) => match.prompt === expected.prompt);
  const began = beginningOf(expected, window, verdict, groups);
  const declared =
    worst?.declaredVersion == null
      ? []
      : [{ kind: 'declared', words: `the calls declare ${versionWords(worst.declaredVersion)}` }];
  const attributed = worst === undefined ? [] : [{ kind: 'attribution', words: worst.attribution.words }, ...declared];
  return {
    verdict,
    severity: severityOf(verdict, expected.environment),
    reason,
    summary: `${expected.prompt} in ${expected.environment}: ${words}.`,
    prompt: expected.prompt,
    environment: expected.environment,
    target: trafficTarget(window.service, expected.prompt),
    part: '',
    expected: pinned === null ? null : { version: pinned.version, hash: pinned.variants[0].hashes.strict },
    observed: { version: own?.version ?? null, hash: worst?.hash ?? null, text: worst?.text ?? null },
    diff: near?.diff ?? '',
    changedBetween: began.between,
    changedBy: began.by,
    evidence: [
      ...attributed,
      ...evidence,
      ...began.evidence,
      {
        kind: 'traffic',
        words: `looked at ${formatDuration(millisBetween(window.from, window.until))} until ${timeWords(window.until)}`,
      },
    ],
  };
}

interface Beginning {
  readonly between: TimeInterval;
  readonly by: string | null;
  readonly evidence: readonly Evidence[];
}

/**
 * Since when the calls of `groups` are wrong. The first of them bounds it from above. That none was seen before in the
 * window shows nothing by itself: what is called every few minutes may have been so for days.
 */
function beginningOf(
  { pin }: Expected,
  window: TrafficWindow,
  verdict: Verdict,
  groups: readonly TrafficGroup[],
): Beginning {
  const [first] = span(groups);
  if (first === null) return { between: [null, null], by: null, evidence: [] };
  if (verdict === 'stale_version' && pin?.since != null && pin.since > first) {
    const by = pin.by === null ? '' : ` by ${pin.by}`;
    const words = `the calls did not change: ${pin.rule} moved to ${versionWords(pin.version)} at ${timeWords(pin.since)}${by}`;
    return { between: [pin.since, pin.since], by: pin.by, evidence: [{ kind: 'pin', words }] };
  }
  const others = window.groups.filter((group) => !groups.includes(group) && group.firstAt < first);
  const [earliest] = span(others);
  const wasAbsent = earliest !== null && millisBetween(earliest, first) >= ABSENT_MS;
  const lastOther = others.reduce<Timestamp | null>((last, { firstAt, lastAt }) => {
    const at = lastAt < first ? lastAt : firstAt;
    return last === null || at > last ? at : last;
  }, null);
  return { between: [wasAbsent ? lastOther : null, first], by: null, evidence: [] };
}
