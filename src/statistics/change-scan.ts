/**
 * Did the distribution of outputs change? For the last 1, 2, 4 … 128 hours: how much more likely are their counts if
 * they follow a distribution of their own than if they go on as everything before them (a Bayes factor of two
 * Dirichlet-multinomials, averaged over how far the new one may lie from the old one)? The sum over windows of the mean
 * over features is a Shiryaev-Roberts statistic: without a change its expectation grows by at most one an hour, so the
 * value at which it alarms is the mean number of hours between false alarms. Pure.
 */

import { logGamma } from './log-gamma.ts';
import { total } from './sum-of-rows.ts';

/** In hours, each with what comes after it; a change shows in the one that it fills. */
export const WINDOW_HOURS = [1, 2, 4, 8, 16, 32, 64, 128] as const;

/** One false alarm a month among a thousand prompts. */
export const ALARM_LOG_SCORE = Math.log(1000 * 720);

/** How firmly a new distribution is held to the old one, as a number of imagined outputs; averaged over. */
const CONCENTRATIONS = [4, 16, 64] as const;
/** Jeffreys' prior. */
const PRIOR = 0.5;
/** Of a bin that was all but empty: what comes there is a surprise, and not an infinite one. */
const WEIGHT_MIN = 0.02;

/** More is no more certain, and its exponential would be infinite. */
const LOG_FACTOR_MAX = 600;

/** Counts of all features, one feature after the other; see `offsetsOf` in `bins.ts`. */
export interface Counts {
  readonly offsets: readonly number[];
  /** By which the counts of each feature are divided, in each window; see `overdispersion.ts`. */
  readonly overdispersion: readonly (readonly number[])[];
  /** Everything there is, the windows included. */
  readonly all: readonly number[];
  /** Of the last hours, one for each of `WINDOW_HOURS`. */
  readonly windows: readonly (readonly number[])[];
}

export interface FeatureChange {
  /** Index of the feature. */
  readonly feature: number;
  /** Sum of the Bayes factors over the windows, as a logarithm. */
  readonly logScore: number;
  /** In which window it is largest. */
  readonly windowHours: number;
}

export interface Scan {
  readonly logScore: number;
  /** The largest first. */
  readonly features: readonly FeatureChange[];
}

/** Of the features of which `counts` tells, those with this index. */
export function scan(counts: Counts, features: readonly number[]): Scan {
  const changes = features.map((feature) => changeOf(counts, feature));
  const logScore = logSum(changes.map((change) => change.logScore)) - Math.log(Math.max(1, features.length));
  return { logScore, features: changes.toSorted((a, b) => b.logScore - a.logScore) };
}

function changeOf({ offsets, overdispersion, all, windows }: Counts, feature: number): FeatureChange {
  // Without the last, which is for what is not known.
  const [start, end] = [offsets[feature] as number, (offsets[feature + 1] as number) - 1];
  const before = new Float64Array(end - start);
  const window = new Float64Array(end - start);
  const factors = windows.map((counts, index) => {
    const divisor = overdispersion[feature]?.[index] ?? 1;
    for (let bin = 0; bin < window.length; bin += 1) {
      const count = counts[start + bin] as number;
      window[bin] = count / divisor;
      before[bin] = ((all[start + bin] as number) - count) / divisor + PRIOR;
    }
    return logFactor(window, before);
  });
  const best = factors.indexOf(Math.max(...factors));
  return { feature, logScore: logSum(factors), windowHours: WINDOW_HOURS[best] ?? 1 };
}

/** That the counts of the window are of another distribution than the rest of `all`, against that they are of the same. */
export function logBayesFactor(window: readonly number[], all: readonly number[], overdispersion = 1): number {
  const counts = Float64Array.from(window, (count) => count / overdispersion);
  const before = Float64Array.from(window, (count, bin) => ((all[bin] as number) - count) / overdispersion + PRIOR);
  return logFactor(counts, before);
}

/** `before` with the prior. */
function logFactor(counts: Float64Array, before: Float64Array): number {
  if (total(counts) === 0) return 0;
  const weight = total(before);
  const same = logLikelihood(counts, before);
  const own = new Float64Array(before.length);
  let factors = 0;
  for (const concentration of CONCENTRATIONS) {
    for (let bin = 0; bin < own.length; bin += 1)
      own[bin] = Math.max((concentration * (before[bin] as number)) / weight, WEIGHT_MIN);
    factors += Math.exp(Math.min(logLikelihood(counts, own) - same, LOG_FACTOR_MAX)) / CONCENTRATIONS.length;
  }
  return Math.log(factors);
}

/** How likely the counts are under a Dirichlet prior with these weights, up to what both sides of a ratio share. */
export function logLikelihood(counts: ArrayLike<number>, weights: ArrayLike<number>): number {
  let [log, size, weight] = [0, 0, 0];
  for (let bin = 0; bin < counts.length; bin += 1) {
    const count = counts[bin] as number;
    const own = weights[bin] as number;
    weight += own;
    if (count === 0) continue;
    size += count;
    log += logGamma(own + count) - logGamma(own);
  }
  return log + logGamma(weight) - logGamma(weight + size);
}

/** Of exponentials, as a logarithm. */
export function logSum(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(total(logs.map((log) => Math.exp(log - largest))));
}
