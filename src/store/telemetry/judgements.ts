/** Judgements of calls as they are added up, and what usage says of them. Pure. */

import type { UsageEvaluation } from '../../contract/invocation-log.ts';
import { compareText } from '../../lib/compare.ts';

/**
 * Of each name and label, which are one text of JSON: how many, how many with a score, the sum of the scores, and
 * that of their squares.
 */
export type Judgements = readonly [
  of: readonly string[],
  counts: readonly number[],
  scored: readonly number[],
  scores: readonly (number | null)[],
  squares: readonly (number | null)[],
];

/** Labels are words such as `pass`; where they are many, such as numbers, the rest is in the count alone. */
const LABELS_MAX = 20;

interface Sum {
  count: number;
  scored: number;
  score: number;
  square: number;
  readonly labels: (readonly [label: string, count: number])[];
}

export function evaluationsOf([of, counts, scored, scores, squares]: Judgements): Readonly<
  Record<string, UsageEvaluation>
> {
  const sums = new Map<string, Sum>();
  for (const [at, json] of of.entries()) {
    const [name, label] = JSON.parse(json) as [string, string];
    const sum = sums.get(name) ?? { count: 0, scored: 0, score: 0, square: 0, labels: [] };
    const count = counts[at] ?? 0;
    sum.count += count;
    sum.scored += scored[at] ?? 0;
    // Of scores that no number holds together the engine makes null.
    sum.score += scores[at] ?? Number.NaN;
    sum.square += squares[at] ?? Number.NaN;
    if (label !== '') sum.labels.push([label, count]);
    sums.set(name, sum);
  }
  const named = [...sums].toSorted(([a], [b]) => compareText(a, b));
  return Object.fromEntries(named.map(([name, sum]) => [name, evaluationOf(sum)]));
}

function evaluationOf({ count, scored, score, square, labels }: Sum): UsageEvaluation {
  const mean = score / scored;
  // What is left of rounding may be a little below zero.
  const deviation = scored < 2 ? Number.NaN : Math.sqrt(Math.max(0, square - score * mean) / (scored - 1));
  const byCount = labels.toSorted((a, b) => b[1] - a[1] || compareText(a[0], b[0]));
  return {
    count,
    scored,
    mean_score: numberOrNull(mean),
    score_deviation: numberOrNull(deviation),
    labels: Object.fromEntries(byCount.slice(0, LABELS_MAX)),
  };
}

function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
