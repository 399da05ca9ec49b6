/** One continuing problem, from first evidence to resolution. */

import type { Evidence, Severity, Verdict } from './verdict.ts';
import type { ContentHash } from './prompt.ts';
import type { TimeInterval, Timestamp } from './time.ts';

export const INCIDENT_STATUSES = ['open', 'acknowledged', 'snoozed', 'resolved'] as const;
export type IncidentStatus = (typeof INCIDENT_STATUSES)[number];

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
  readonly changedBetween: TimeInterval;
  readonly changedBy: string | null;
  readonly resolvedAt: Timestamp | null;
  /** `in_sync_again`, `restored`, or who closed it by hand. */
  readonly resolution: string | null;
  /** How often it came back within the reopen window. */
  readonly reopened: number;
  readonly acknowledgedBy: string | null;
  readonly snoozedUntil: Timestamp | null;
  readonly invocationsAffected: number;
  /** Grows with every change of the incident; the highest is the truth. */
  readonly revision: number;
}

/** What changed in an incident's life, and therefore what may be announced. */
export const INCIDENT_TRANSITIONS = ['opened', 'reopened', 'escalated', 'resolved', 'acknowledged', 'snoozed'] as const;
export type IncidentTransition = (typeof INCIDENT_TRANSITIONS)[number];
