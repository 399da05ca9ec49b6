/**
 * The life of an incident as pure functions: what a judgement, or a person, does to it. No I/O, no
 * clock. `docs/alerts.md` tells the same in prose.
 */

import type { Incident, IncidentTransition } from '../contract/incident.ts';
import type { Timestamp } from '../contract/time.ts';
import { DRIFT_VERDICTS, type Evidence, type Judgement } from '../contract/verdict.ts';
import { isWorse } from '../drift/severity.ts';
import { millisBetween } from '../lib/time.ts';
import { fingerprintOf, incidentId } from './fingerprint.ts';
import { contentOf, rememberContent, seenContents } from './contents-seen.ts';

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
 * What a judgement does to the newest incident of its fingerprint (null: there was none).
 * `affected` is how many invocations used the drifted text so far.
 */
export function next(
  incident: Incident | null,
  finding: Finding,
  now: Timestamp,
  affected: number,
  policy: LifecyclePolicy = LIFECYCLE_POLICY,
): Step {
  const { verdict } = finding.judgement;
  if (verdict === 'in_sync') return inSync(incident, finding, now, affected, policy);
  // No evidence either way: it neither opens nor resolves anything.
  if (!DRIFT_VERDICTS.has(verdict)) return unchanged(`${verdict}_says_nothing`);
  if (incident === null) return opened(null, finding, now, affected);
  if (incident.status !== 'resolved') return stillWrong(incident, finding, now, affected, policy);
  const resolvedAt = incident.resolvedAt ?? incident.updatedAt;
  const soon = millisBetween(resolvedAt, now) <= policy.reopenWithinMs;
  return soon ? reopened(incident, finding, now, affected) : opened(incident, finding, now, affected);
}

function opened(previous: Incident | null, { judgement, owner }: Finding, now: Timestamp, affected: number): Step {
  const fingerprint = fingerprintOf(judgement);
  const incident: Incident = {
    ...facts(judgement, owner),
    evidence: judgement.evidence,
    id: incidentId(fingerprint, previous?.id ?? null),
    fingerprint,
    status: 'open',
    openedAt: now,
    updatedAt: now,
    resolvedAt: null,
    resolution: null,
    reopened: 0,
    acknowledgedBy: null,
    snoozedUntil: null,
    invocationsAffected: affected,
    revision: 1,
  };
  return { kind: 'changed', reason: 'first_evidence', incident, transition: 'opened' };
}

function reopened(incident: Incident, { judgement, owner }: Finding, now: Timestamp, affected: number): Step {
  // A snooze outlives the resolution: who asked for silence until noon gets it.
  const snoozed = incident.snoozedUntil !== null && incident.snoozedUntil > now;
  const again: Incident = {
    ...incident,
    ...facts(judgement, owner),
    evidence: rememberContent(incident, judgement),
    status: snoozed ? 'snoozed' : 'open',
    updatedAt: now,
    resolvedAt: null,
    resolution: null,
    reopened: incident.reopened + 1,
    acknowledgedBy: null,
    snoozedUntil: snoozed ? incident.snoozedUntil : null,
    invocationsAffected: Math.max(affected, incident.invocationsAffected),
    revision: incident.revision + 1,
  };
  return { kind: 'changed', reason: 'came_back_within_window', incident: again, transition: 'reopened' };
}

function stillWrong(
  incident: Incident,
  { judgement, owner }: Finding,
  now: Timestamp,
  affected: number,
  policy: LifecyclePolicy,
): Step {
  const snoozeOver = incident.status === 'snoozed' && (incident.snoozedUntil === null || incident.snoozedUntil <= now);
  if (snoozeOver) return wokeUp(incident, { judgement, owner }, now, affected);
  const same =
    judgement.verdict === incident.verdict &&
    judgement.severity === incident.severity &&
    judgement.expected?.hash === incident.expected?.hash &&
    contentOf(judgement) === contentOf(incident);
  if (same) return countGrew(incident, now, affected);
  const worse = isWorse(judgement.severity, incident.severity);
  const changed: Incident = {
    ...incident,
    ...facts(judgement, owner),
    evidence: rememberContent(incident, judgement),
    // Somebody acknowledged something that was not as bad as this.
    status: worse && incident.status === 'acknowledged' ? 'open' : incident.status,
    acknowledgedBy: worse ? null : incident.acknowledgedBy,
    updatedAt: now,
    invocationsAffected: Math.max(affected, incident.invocationsAffected),
    revision: incident.revision + 1,
  };
  if (worse) return { kind: 'changed', reason: 'severity_rose', incident: changed, transition: 'escalated' };
  const reason = silence(incident, judgement, policy);
  if (reason !== null) return { kind: 'changed', reason, incident: changed, transition: 'updated' };
  return { kind: 'changed', reason: 'content_changed_again', incident: changed, transition: 'escalated' };
}

function wokeUp(incident: Incident, { judgement, owner }: Finding, now: Timestamp, affected: number): Step {
  const awake: Incident = {
    ...incident,
    ...facts(judgement, owner),
    evidence: rememberContent(incident, judgement),
    status: 'open',
    snoozedUntil: null,
    updatedAt: now,
    invocationsAffected: Math.max(affected, incident.invocationsAffected),
    revision: incident.revision + 1,
  };
  return { kind: 'changed', reason: 'snooze_is_over', incident: awake, transition: 'reopened' };
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

/** The count goes into the record when it first matters and each time it has doubled: few revisions, no stale zero. */
function countGrew(incident: Incident, now: Timestamp, affected: number): Step {
  if (affected === 0 || affected < 2 * incident.invocationsAffected) return unchanged('same_problem');
  const counted = { ...incident, invocationsAffected: affected, updatedAt: now, revision: incident.revision + 1 };
  return { kind: 'changed', reason: 'more_invocations_affected', incident: counted, transition: 'updated' };
}

function inSync(
  incident: Incident | null,
  { judgement, cause, note }: Finding,
  now: Timestamp,
  affected: number,
  policy: LifecyclePolicy,
): Step {
  if (incident === null || incident.status === 'resolved') return unchanged('nothing_to_resolve');
  const since = judgement.changedBetween[1] ?? incident.updatedAt;
  const flapping = incident.reopened >= policy.flappingAfter;
  if (flapping && millisBetween(since, now) < policy.calmMs) return unchanged('flapping_held_open');
  const pinMoved = incident.expected !== null && judgement.expected?.hash !== incident.expected.hash;
  const resolution = cause ?? (pinMoved ? 'pin_moved' : 'in_sync_again');
  const told = note === undefined ? incident : { ...incident, evidence: [...incident.evidence, note] };
  return resolved(told, resolution, now, Math.max(affected, incident.invocationsAffected));
}

/** Ends an incident for a named reason: `in_sync_again`, `pin_moved`, `part_gone`, `restored`. */
export function resolved(incident: Incident, resolution: string, now: Timestamp, affected: number): Step {
  if (incident.status === 'resolved') return unchanged('resolved_before');
  const done: Incident = {
    ...incident,
    status: 'resolved',
    resolution,
    resolvedAt: now,
    updatedAt: now,
    invocationsAffected: affected,
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
