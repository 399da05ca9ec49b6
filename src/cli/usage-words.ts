/** Numbers of usage in words. Pure. */

import type { UsageBaseline, UsageEvaluation, UsageRow } from '../contract/invocation-log.ts';
import { COST_OF_CALL, metricWords } from '../text/declared-metric.ts';

/** What is not known. */
export const NONE = '-';

/** Beyond these a cell says how many there are. */
const NAMES_MAX = 3;

export function millisWords(value: number | null): string {
  return value === null ? NONE : `${Math.round(value)} ms`;
}

/** Of fewer calls 95 of 100 are all of them but for a part of one: their p95 is about that of the slowest. */
const P95_CALLS_MIN = 20;

export function isOfFew({ calls }: UsageRow): boolean {
  return calls < P95_CALLS_MIN;
}

/** `~900 ms` where it is of few calls; `words` are those of the p95 itself. */
export function p95Words(words: string, row: UsageRow): string {
  return words !== NONE && isOfFew(row) ? `~${words}` : words;
}

/** What a mark of `p95Words` in these means, or null when there is none. */
export function p95Note(rows: readonly (UsageRow | null)[]): string | null {
  const isMarked = rows.some((row) => row !== null && row.latency_ms.p95 !== null && isOfFew(row));
  return isMarked ? `~ is of fewer than ${P95_CALLS_MIN} calls: hardly more than the slowest of them.` : null;
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

/** A metric of the registry, as what it is declared of is called here. */
export function baselineName(metric: string): string {
  return metric === COST_OF_CALL ? 'usd a call' : metricWords(metric);
}

/** `accuracy 0.94 (is 0.91 ±0.02), usd a call 0.003 (is 0.0041)`. */
export function declaredWords({ baselines = {} }: UsageRow): string {
  return Object.entries(baselines)
    .map(
      ([metric, baseline]) =>
        `${baselineName(metric)} ${scoreWords(baseline.declared)} (${measuredWords(metric, baseline)})`,
    )
    .join(', ');
}

function measuredWords(metric: string, { measured, margin }: UsageBaseline): string {
  if (measured === null) return metric === COST_OF_CALL ? 'not priced' : 'not judged';
  return `is ${scoreWords(measured)}${margin === null ? '' : ` ±${scoreWords(margin)}`}`;
}
