/** The answer of one comparison between what is expected and what was observed. */

import type { ContentHash } from './prompt.ts';
import type { TimeInterval } from './time.ts';

export const VERDICTS = [
  'in_sync',
  'edited',
  'stale_version',
  'ahead',
  'unregistered',
  'missing',
  'settings_changed',
  'replica_split',
  'badge_lied',
  'registry_tampered',
  'output_drift',
  'off_baseline',
  'unverifiable',
  'unreachable',
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The verdicts that open incidents. `unverifiable` and `unreachable` are never drift. */
export const DRIFT_VERDICTS: ReadonlySet<Verdict> = new Set<Verdict>([
  'edited',
  'stale_version',
  'ahead',
  'unregistered',
  'missing',
  'settings_changed',
  'replica_split',
  'badge_lied',
  'registry_tampered',
  'output_drift',
  'off_baseline',
]);

/**
 * Those about what calls of a registered version do: its content is as registered. What is right is not written in a
 * registry, or not well, so a person may take it as normal by resolving the incident.
 */
export const VERDICTS_OF_CALLS: ReadonlySet<Verdict> = new Set<Verdict>(['output_drift', 'off_baseline']);

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One thing that supports a verdict, in words for a person, with where it was seen. */
export interface Evidence {
  /** e.g. `hash`, `near_match`, `pointer`, `settings`, `poll`, `traffic`. */
  readonly kind: string;
  readonly words: string;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly severity: Severity;
  /** Names the branch that decided, stable, for tests and metrics: e.g. `hash_equals_older_version`. */
  readonly reason: string;
  /** One sentence for the head of an alert. */
  readonly summary: string;
  readonly prompt: string;
  readonly environment: string;
  readonly target: string;
  readonly part: string;
  readonly expected: { readonly version: string; readonly hash: ContentHash } | null;
  readonly observed: {
    readonly version: string | null;
    readonly hash: ContentHash | null;
    readonly text: string | null;
  };
  /** Unified diff from expected to observed; empty when there is nothing to compare. */
  readonly diff: string;
  /** When it changed: after the first, by the second. */
  readonly changedBetween: TimeInterval;
  readonly changedBy: string | null;
  readonly evidence: readonly Evidence[];
}
