/**
 * The life of an incident as pure functions: what a judgement, or a person, does to it. No I/O, no
 * clock. `docs/alerts.md` tells the same in prose.
 */

import type { Incident, IncidentTransition } from '../contract/incident.ts';
import type { Timestamp } from '../contract/time.ts';
import { DRIFT_VERDICTS, type Evidence, type Judgement } from '../contract/verdict.ts';
import { isWorse } from '../drift/severity.ts';
import { formatDuration, millisBetween } from '../lib/time.ts';
import { timeWords } from '../text/time-words.ts';
import { fingerprintOf, incidentId } from './fingerprint.ts';
import { contentOf, evidenceWith, isStillHeld, rememberContent, seenContents } from './contents-seen.ts';

export interface LifecyclePolicy {
  /** A problem that comes back within this time of its resolution is the same incident. */
  readonly reopenWithinMs: number;
  /** After so many reopenings it is flapping. */
  readonly flappingAfter: number;
  /** A flapping incident resolves only when the place has been in sync for so long. */
  readonly calmMs: number;
  /** New contents that one open incident announces, the first included; later ones are only recorded. */
  readonly announcedContentsMax: number;
}

export const LIFECYCLE_POLICY: LifecyclePolicy = {
  reopenWithinMs: 24 * 3_600_000,
  flappingAfter: 2,
  calmMs: 15 * 60_000,
  announcedContentsMax: 4,
};

/** The resolution of an incident about a place that nobody looks at any more: it says nothing about the place. */
export const NO_LONGER_WATCHED = 'no_longer_watched';
/** The same, where others are called and this is not. */
export const NO_LONGER_CALLED = 'no_longer_called';

const CALM = 'calm';

export type Step =
  | { readonly kind: 'unchanged'; readonly reason: string }
  | {
      readonly kind: 'changed';
      readonly reason: string;
      readonly incident: Incident;
      readonly transition: IncidentTransition | 'updated';
    };

/** What was found about a place, and who owns the prompt. */
export interface Finding {
  readonly judgement: Judgement;
  readonly owner: string | null;
  /** Set when we just put the place right ourselves, for the resolution's words. */
  readonly cause?: 'restored';
  /** What the incident's evidence says of that cause: who, why, to which version. */
  readonly note?: Evidence;
}

/**
 * What a judgement does to the newest incident of its fingerprint (null: there was none). The calls
 * that it touched are as they were: see `withCount`.
 */
export function next(
  incident: Incident | null,
  finding: Finding,
  now: Timestamp,
  policy: LifecyclePolicy = LIFECYCLE_POLICY,
): Step {
  const { verdict } = finding.judgement;
  if (verdict === 'in_sync') return inSync(incident, finding, now, policy);
  // No evidence either way: it neither opens nor resolves anything.
  if (!DRIFT_VERDICTS.has(verdict)) return unchanged(`${verdict}_says_nothing`);
  if (incident === null) return opened(null, finding, now);
  if (incident.status !== 'resolved') return stillWrong(incident, finding, now, policy);
  const resolvedAt = incident.resolvedAt ?? incident.updatedAt;
  // Of what nobody called for days, it is not known that it was ever right in between.
  const ended = incident.resolution === NO_LONGER_CALLED;
  const soon = !ended && millisBetween(resolvedAt, now) <= policy.reopenWithinMs;
  return soon ? reopened(incident, finding, now) : opened(incident, finding, now);
}

/**
 * A step that leaves an incident like this, with how many calls had its contents so far. Where
 * nothing else changed, the count goes into the record when it first matters and each time it has
 * doubled: few revisions, no stale zero.
 */
export function withCount(incident: Incident | null, step: Step, affected: number, now: Timestamp): Step {
  if (step.kind === 'changed') {
    // Calls expire, and are no fewer for it.
    const invocationsAffected = Math.max(affected, step.incident.invocationsAffected);
    return { ...step, incident: { ...step.incident, invocationsAffected } };
  }
  if (incident === null || step.reason !== 'same_problem') return step;
  if (affected === 0 || affected < 2 * incident.invocationsAffected) return step;
  return recounted(incident, affected, now);
}

/** An incident of which more calls are known than it says. */
export function recounted(incident: Incident, affected: number, now: Timestamp): Step {
  if (affected <= incident.invocationsAffected) return unchanged('no_more_invocations_affected');
  const counted = { ...incident, invocationsAffected: affected, updatedAt: now, revision: incident.revision + 1 };
  return { kind: 'changed', reason: 'more_invocations_affected', incident: counted, transition: 'updated' };
}

function opened(previous: Incident | null, { judgement, owner }: Finding, now: Timestamp): Step {
  const fingerprint = fingerprintOf(judgement);
  const incident: Incident = {
    ...facts(judgement, owner),
    firstChangedBetween: judgement.changedBetween,
    earlierContents: [],
    evidence: judgement.evidence,
    id: incidentId(fingerprint, previous?.id ?? null),
    fingerprint,
    status: 'open',
    openedAt: now,
    updatedAt: now,
    resolvedAt: null,
    resolution: null,
    reopened: 0,
    calmSince: null,
    acknowledgedBy: null,
    snoozedUntil: null,
    invocationsAffected: 0,
    revision: 1,
  };
  return { kind: 'changed', reason: 'first_evidence', incident, transition: 'opened' };
}

function reopened(incident: Incident, finding: Finding, now: Timestamp): Step {
  // A snooze outlives the resolution: who asked for silence until noon gets it.
  const snoozed = incident.snoozedUntil !== null && incident.snoozedUntil > now;
  const again: Incident = {
    ...judgedAgain(incident, finding, now),
    firstChangedBetween: finding.judgement.changedBetween,
    status: snoozed ? 'snoozed' : 'open',
    resolvedAt: null,
    resolution: null,
    reopened: incident.reopened + 1,
    acknowledgedBy: null,
    snoozedUntil: snoozed ? incident.snoozedUntil : null,
  };
  return { kind: 'changed', reason: 'came_back_within_window', incident: again, transition: 'reopened' };
}

function stillWrong(incident: Incident, finding: Finding, now: Timestamp, policy: LifecyclePolicy): Step {
  const { judgement } = finding;
  const snoozeOver = incident.status === 'snoozed' && (incident.snoozedUntil === null || incident.snoozedUntil <= now);
  if (snoozeOver) return wokeUp(incident, finding, now);
  if (isAsFound(incident, judgement)) return unchanged('same_problem');
  const worse = isWorse(judgement.severity, incident.severity);
  const changed: Incident = {
    ...judgedAgain(incident, finding, now),
    // Somebody acknowledged something that was not as bad as this.
    status: worse && incident.status === 'acknowledged' ? 'open' : incident.status,
    acknowledgedBy: worse ? null : incident.acknowledgedBy,
  };
  if (worse) return { kind: 'changed', reason: 'severity_rose', incident: changed, transition: 'escalated' };
  const reason = silence(incident, judgement, policy);
  if (reason !== null) return { kind: 'changed', reason, incident: changed, transition: 'updated' };
  return { kind: 'changed', reason: 'content_changed_again', incident: changed, transition: 'escalated' };
}

/** Whether an incident that is not resolved says what this judgement found: nobody found anything else since. */
export function isAsFound(incident: Incident, judgement: Judgement): boolean {
  if (judgement.verdict === 'in_sync') return incident.calmSince !== null;
  return (
    incident.calmSince === null &&
    judgement.verdict === incident.verdict &&
    judgement.severity === incident.severity &&
    judgement.expected?.hash === incident.expected?.hash &&
    contentOf(judgement) === contentOf(incident)
  );
}

function wokeUp(incident: Incident, finding: Finding, now: Timestamp): Step {
  const awake: Incident = {
    ...judgedAgain(incident, finding, now),
    status: 'open',
    acknowledgedBy: null,
    snoozedUntil: null,
  };
  return { kind: 'changed', reason: 'snooze_is_over', incident: awake, transition: 'reopened' };
}

/** The next revision of an incident that goes on or comes back. */
function judgedAgain(incident: Incident, { judgement, owner }: Finding, now: Timestamp): Incident {
  const earlierContents = rememberContent(incident, judgement, now);
  const goesOn = isStillHeld(incident, judgement);
  return {
    ...incident,
    ...facts(judgement, owner),
    // Traffic knows no more than its window, which moves on: what is still there did not come later.
    changedBetween: goesOn ? incident.changedBetween : judgement.changedBetween,
    earlierContents,
    calmSince: null,
    evidence: evidenceWith(earlierContents, incident, judgement),
    updatedAt: now,
    revision: incident.revision + 1,
  };
}

/** Why a change of an open incident is recorded and not announced; null when it is news. */
function silence(incident: Incident, judgement: Judgement, policy: LifecyclePolicy): string | null {
  if (incident.status !== 'open') return 'somebody_is_on_it';
  const content = contentOf(judgement);
  if (content === contentOf(incident)) return 'same_content_in_other_words';
  const seen = seenContents(incident);
  if (seen.has(content)) return 'content_seen_before';
  return seen.size >= policy.announcedContentsMax ? 'too_many_contents' : null;
}

function inSync(
  incident: Incident | null,
  { judgement, cause, note }: Finding,
  now: Timestamp,
  policy: LifecyclePolicy,
): Step {
  if (incident === null || incident.status === 'resolved') return unchanged('nothing_to_resolve');
  const told = note === undefined ? incident : { ...incident, evidence: [...incident.evidence, note] };
  // What was wrong there is what is expected now: then it was not right before somebody looked, however long it is there.
  const began = contentOf(judgement) === contentOf(incident) ? now : judgement.changedBetween[1];
  const known = incident.calmSince ?? began ?? now;
  // Of a clock that was ahead: the calm would last for as long as it had been.
  const since = known > now ? now : known;
  const flapping = incident.reopened >= policy.flappingAfter;
  if (flapping && millisBetween(since, now) < policy.calmMs) {
    if (note === undefined && incident.calmSince === since) return unchanged('flapping_held_open');
    return heldOpen(told, since, now, policy);
  }
  const pinMoved = incident.expected !== null && judgement.expected?.hash !== incident.expected.hash;
  const resolution = cause ?? (pinMoved ? 'pin_moved' : 'in_sync_again');
  return resolved(told, resolution, now);
}

/** It is in sync, and came back so often that this is only believed when it lasts. */
function heldOpen(incident: Incident, since: Timestamp, now: Timestamp, { calmMs }: LifecyclePolicy): Step {
  const lasting = `it came back ${incident.reopened} times, and resolves when that lasts ${formatDuration(calmMs)}`;
  const calm = { kind: CALM, words: `in sync again since ${timeWords(since)}; ${lasting}` };
  const evidence = [...incident.evidence.filter(({ kind }) => kind !== CALM), calm];
  const held = { ...incident, evidence, calmSince: since, updatedAt: now, revision: incident.revision + 1 };
  return { kind: 'changed', reason: 'flapping_held_open', incident: held, transition: 'updated' };
}

/** Ends an incident for a named reason: `in_sync_again`, `pin_moved`, `restored`. `note`: more evidence of it. */
export function resolved(incident: Incident, resolution: string, now: Timestamp, note: readonly Evidence[] = []): Step {
  if (incident.status === 'resolved') return unchanged('resolved_before');
  const done: Incident = {
    ...incident,
    evidence: [...incident.evidence, ...note],
    status: 'resolved',
    resolution,
    resolvedAt: now,
    updatedAt: now,
    revision: incident.revision + 1,
  };
  return { kind: 'changed', reason: resolution, incident: done, transition: 'resolved' };
}

/** What a judgement says, in an incident's fields. */
function facts(
  judgement: Judgement,
  owner: string | null,
): Pick<
  Incident,
  | 'verdict'
  | 'severity'
  | 'summary'
  | 'reason'
  | 'prompt'
  | 'owner'
  | 'environment'
  | 'target'
  | 'part'
  | 'expected'
  | 'observed'
  | 'diff'
  | 'changedBetween'
  | 'changedBy'
> {
  const { verdict, severity, summary, reason, prompt, environment, target, part } = judgement;
  const { expected, observed, diff, changedBetween, changedBy } = judgement;
  return {
    verdict,
    severity,
    summary,
    reason,
    prompt,
    owner,
    environment,
    target,
    part,
    expected,
    observed,
    diff,
    changedBetween,
    changedBy,
  };
}

function unchanged(reason: string): Step {
  return { kind: 'unchanged', reason };
}
