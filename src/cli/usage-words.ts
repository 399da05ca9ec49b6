/** Numbers of usage in words. Pure. */

import type { UsageEvaluation, UsageRow } from '../contract/invocation-log.ts';

/** What is not known. */
export const NONE = '-';

/** Beyond these a cell says how many there are. */
const NAMES_MAX = 3;

export function millisWords(value: number | null): string {
  return value === null ? NONE : `${Math.round(value)} ms`;
}

export function shareWords(count: number, of: number): string {
  return of === 0 ? NONE : `${((100 * count) / of).toFixed(1)}%`;
}

/** Scores are mostly between 0 and 1. */
export function scoreWords(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The most frequent first. */
export function byCount(counts: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(counts).toSorted((a, b) => b[1] - a[1]);
}

/** `helpful 0.83, safe 98.0% pass`: those that were judged most often. */
export function judgedWords({ evaluations }: UsageRow): string {
  const all = Object.entries(evaluations).toSorted(([, a], [, b]) => b.count - a.count);
  const shown = all.slice(0, NAMES_MAX).map(([name, evaluation]) => `${name} ${judgementWords(evaluation)}`);
  return [...shown, ...(all.length > NAMES_MAX ? [`${all.length - NAMES_MAX} more`] : [])].join(', ');
}

/** A label says more than its score, which is mostly 1 for one of them. */
function judgementWords({ count, mean_score: mean, labels }: UsageEvaluation): string {
  const [most] = byCount(labels);
  if (most !== undefined) return `${shareWords(most[1], count)} ${most[0]}`;
  return mean === null ? NONE : scoreWords(mean);
}
