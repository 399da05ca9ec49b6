/**
 * Did the distribution of outputs change? For the last 1, 2, 4 … 128 hours: how much more likely are their counts if
 * they follow a distribution of their own than if they go on as everything before them (a Bayes factor of two
 * Dirichlet-multinomials, averaged over how far the new one may lie from the old one)? The sum over windows of the mean
 * over features is a Shiryaev-Roberts statistic: without a change its expectation grows by at most one an hour, so the
 * value at which it alarms is the mean number of hours between false alarms. Pure.
 */

import { logGamma } from './log-gamma.ts';

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

/** Counts of all features, one feature after the other; see `offsetsOf` in `bins.ts`. */
export interface Counts {
  readonly offsets: readonly number[];
  /** By which the counts of each feature are divided; see `overdispersion.ts`. */
  readonly overdispersion: readonly number[];
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
  const [start, end] = [offsets[feature] as number, offsets[feature + 1] as number];
  const factors = windows.map((window) =>
    logBayesFactor(window.slice(start, end), all.slice(start, end), overdispersion[feature] ?? 1),
  );
  const best = factors.indexOf(Math.max(...factors));
  return { feature, logScore: logSum(factors), windowHours: WINDOW_HOURS[best] ?? 1 };
}

/** That the counts of the window are of another distribution than the rest of `all`, against that they are of the same. */
export function logBayesFactor(window: readonly number[], all: readonly number[], overdispersion = 1): number {
  const size = sum(window) / overdispersion;
  if (size === 0) return 0;
  const before = window.map((count, bin) => ((all[bin] as number) - count) / overdispersion + PRIOR);
  const weight = sum(before);
  const counts = window.map((count) => count / overdispersion);
  const same = logLikelihood(counts, size, before, weight);
  const factors = CONCENTRATIONS.map((concentration) => {
    const own = before.map((count) => Math.max((concentration * count) / weight, WEIGHT_MIN));
    return logLikelihood(counts, size, own, sum(own)) - same;
  });
  return logSum(factors) - Math.log(CONCENTRATIONS.length);
}

/** How likely the counts are under a Dirichlet prior with these weights, up to what both sides of a ratio share. */
export function logLikelihood(
  counts: readonly number[],
  size: number,
  weights: readonly number[],
  weight: number,
): number {
  let log = logGamma(weight) - logGamma(weight + size);
  for (const [bin, count] of counts.entries()) {
    if (count === 0) continue;
    const own = weights[bin] as number;
    log += logGamma(own + count) - logGamma(own);
  }
  return log;
}

/** Of exponentials, as a logarithm. */
export function logSum(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(sum(logs.map((log) => Math.exp(log - largest))));
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const one of numbers) total += one;
  return total;
}
