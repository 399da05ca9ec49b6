/** One continuing problem, from first evidence to resolution. */

import type { Evidence, Severity, Verdict } from './verdict.ts';
import type { ContentHash } from './prompt.ts';
import type { TimeInterval, Timestamp } from './time.ts';

export const INCIDENT_STATUSES = ['open', 'acknowledged', 'snoozed', 'resolved'] as const;
export type IncidentStatus = (typeof INCIDENT_STATUSES)[number];

/** What the place held earlier in the same incident. */
export interface EarlierContent {
  /** What tells it apart from the others; see `src/incidents/contents-seen.ts`. */
  readonly content: string;
  readonly verdict: Verdict;
  readonly version: string | null;
  readonly hash: ContentHash | null;
  readonly changedBetween: TimeInterval;
  /** Calls with it are no longer wrong since then: it resolved, or what is expected became this. Null: they still are. */
  readonly until: Timestamp | null;
}

export interface Incident {
  readonly id: string;
  /** What is wrong, as a hash; the same problem has the same fingerprint. */
  readonly fingerprint: string;
  readonly status: IncidentStatus;
  readonly verdict: Verdict;
  readonly severity: Severity;
  readonly summary: string;
  readonly reason: string;
  readonly prompt: string;
  readonly owner: string | null;
  readonly environment: string;
  readonly target: string;
  readonly part: string;
  readonly expected: { readonly version: string; readonly hash: ContentHash } | null;
  readonly observed: {
    readonly version: string | null;
    readonly hash: ContentHash | null;
    readonly text: string | null;
  };
  readonly diff: string;
  readonly evidence: readonly Evidence[];
  readonly openedAt: Timestamp;
  readonly updatedAt: Timestamp;
  /** When what it holds now came: after the first, by the second. */
  readonly changedBetween: TimeInterval;
  /** Who made that change. */
  readonly changedBy: string | null;
  /** The same of the first content that was wrong since it opened or came back: others may have followed it. */
  readonly firstChangedBetween: TimeInterval;
  /** In the order in which they first came. */
  readonly earlierContents: readonly EarlierContent[];
  readonly resolvedAt: Timestamp | null;
  /** `in_sync_again`, `restored`, or who closed it by hand. */
  readonly resolution: string | null;
  /** How often it came back within the reopen window. */
  readonly reopened: number;
  /** Of one that is held open because it flaps: since when it is in sync again. Null: it is not. */
  readonly calmSince: Timestamp | null;
  readonly acknowledgedBy: string | null;
  readonly snoozedUntil: Timestamp | null;
  /**
   * Calls with any of its contents, each since it came. Of now in whatever is announced and at the
   * end; in between it is written when it has doubled, so that there may be more.
   */
  readonly invocationsAffected: number;
  /** Grows with every change of the incident; the highest is the truth. */
  readonly revision: number;
}

/** What changed in an incident's life, and therefore what may be announced. */
export const INCIDENT_TRANSITIONS = ['opened', 'reopened', 'escalated', 'resolved', 'acknowledged', 'snoozed'] as const;
export type IncidentTransition = (typeof INCIDENT_TRANSITIONS)[number];
