/** When did a change begin, and is it over? Asked once a change is certain; see `change-scan.ts`. Pure. */

import { logBayesFactor, logLikelihood, logSum } from './change-scan.ts';
import { sumOfRows } from './sum-of-rows.ts';

/** Counts of one feature in each hour, in order, and what it is divided by. */
export interface FeatureHours {
  readonly overdispersion: number;
  readonly before: readonly number[];
  readonly hours: readonly (readonly number[])[];
}

export interface Beginning {
  /** Index of the hour with the first changed outputs, most likely. */
  readonly at: number;
  /** The earliest and the latest that are hardly less likely. */
  readonly earliest: number;
  readonly latest: number;
}

/** Beginnings that are so much less likely than the best one, as a logarithm, are not meant: about one in twenty. */
const LESS_LIKELY = 3;
const PRIOR = 0.5;

/** Of some features that changed together, with the same hours; there must be hours. */
export function beginningOf(features: readonly FeatureHours[]): Beginning {
  const length = features[0]?.hours.length ?? 0;
  const logs = Array.from({ length }, () => 0);
  for (const { before, hours, overdispersion } of features) {
    const all = sumOfRows([before, ...hours], before.length);
    let window: readonly number[] = [];
    for (let at = length - 1; at >= 0; at -= 1) {
      window = sumOfRows([window, hours[at] as readonly number[]], before.length);
      logs[at] = (logs[at] as number) + logBayesFactor(window, all, overdispersion);
    }
  }
  const best = Math.max(...logs);
  const likely = logs.flatMap((log, at) => (log >= best - LESS_LIKELY ? at : []));
  return { at: logs.indexOf(best), earliest: likely[0] ?? 0, latest: likely.at(-1) ?? 0 };
}

/** Counts of one feature: before the change, since it, and in the last hours, which `since` does not contain. */
export interface FeatureReturn {
  readonly overdispersion: number;
  readonly before: readonly number[];
  readonly since: readonly number[];
  readonly last: readonly number[];
}

/** How much more likely the last hours are as they were before the change than as they were since: a logarithm, averaged over features. */
export function logReturned(features: readonly FeatureReturn[]): number {
  const logs = features.map(({ overdispersion, before, since, last }) => {
    const counts = last.map((count) => count / overdispersion);
    return logUnder(counts, before, overdispersion) - logUnder(counts, since, overdispersion);
  });
  return logSum(logs) - Math.log(Math.max(1, features.length));
}

function logUnder(counts: readonly number[], model: readonly number[], overdispersion: number): number {
  return logLikelihood(
    counts,
    model.map((count) => count / overdispersion + PRIOR),
  );
}
