/** Says in words for a person how outputs changed, and which of them show it best. Pure. */

import type { ChangedFeature, OutputFeatures } from '../contract/output-log.ts';
import { countOutputs, offsetsOf, type Bins } from './bins.ts';
import type { FeatureChange } from './change-scan.ts';
import { FEATURES, isCertain, tellingOrder, wordOf, type Feature } from './output-features.ts';

const FEATURES_SHOWN_MAX = 5;
/** Features that say less than this by themselves, by chance once in a thousand times, are not named beside the others. */
const LOG_SCORE_SHOWN = Math.log(1000);
/** Those that say so much of what the clearest says are as clear to a person. */
const AS_CLEAR = 0.5;
const EXAMPLES = 3;

export interface Compared<Sample extends OutputFeatures = OutputFeatures> {
  readonly before: readonly Sample[];
  readonly since: readonly Sample[];
}

/** The clearest changes, one of several that mean the same to a person; the clearest of all in any case. */
export function describeChange(changes: readonly FeatureChange[], compared: Compared): readonly ChangedFeature[] {
  const described = new Map<string, ChangedFeature>();
  for (const change of inTellingOrder(changes)) {
    const feature = FEATURES[change.feature] as Feature;
    if (described.size >= FEATURES_SHOWN_MAX || described.has(feature.words)) continue;
    described.set(feature.words, {
      name: feature.name,
      words: feature.words,
      ...typical(feature, compared),
      log10Factor: Number((change.logScore / Math.LN10).toFixed(1)),
      windowHours: change.windowHours,
    });
  }
  return [...described.values()];
}

function inTellingOrder(changes: readonly FeatureChange[]): readonly FeatureChange[] {
  const clear = changes.filter(({ logScore }, index) => index === 0 || logScore >= LOG_SCORE_SHOWN);
  const clearest = clear[0]?.logScore ?? 0;
  const order = ({ feature, logScore }: FeatureChange): number =>
    logScore >= clearest * AS_CLEAR || isCertain(FEATURES[feature] as Feature)
      ? tellingOrder(FEATURES[feature] as Feature)
      : Number.POSITIVE_INFINITY;
  return clear.toSorted((a, b) => (order(a) === order(b) ? b.logScore - a.logScore : order(a) - order(b)));
}

function typical(feature: Feature, { before, since }: Compared): Pick<ChangedFeature, 'before' | 'now'> {
  if (feature.kind === 'flag') return { before: shareOfFlag(before, feature), now: shareOfFlag(since, feature) };
  if (feature.kind === 'word') return wordsThatMoved(before, since, feature);
  return { before: medianOf(before, feature), now: medianOf(since, feature) };
}

function medianOf(outputs: readonly OutputFeatures[], { at, show }: Feature): string {
  const values = outputs.flatMap(({ numbers }) => numbers[at] ?? []).toSorted((a, b) => a - b);
  const median = values[Math.floor(values.length / 2)];
  if (show === null) return '';
  return median === undefined ? 'not known' : show(median);
}

function shareOfFlag(outputs: readonly OutputFeatures[], { at }: Feature): string {
  const known = outputs.filter(({ flags }) => flags !== null);
  return percent(known.filter(({ flags }) => (((flags as number) >> at) & 1) === 1).length, known.length);
}

/** The word that lost most, and the one that gained most. */
function wordsThatMoved(
  before: readonly OutputFeatures[],
  since: readonly OutputFeatures[],
  feature: Feature,
): Pick<ChangedFeature, 'before' | 'now'> {
  const [shares, now] = [wordShares(before, feature), wordShares(since, feature)];
  const gained = (word: string): number => (now.get(word) ?? 0) - (shares.get(word) ?? 0);
  const sorted = [...new Set([...shares.keys(), ...now.keys()])].toSorted(
    (a, b) => gained(b) - gained(a) || (a < b ? -1 : 1),
  );
  return { before: wordShown(sorted.at(-1), shares), now: wordShown(sorted[0], now) };
}

function wordShown(word: string | undefined, shares: ReadonlyMap<string, number>): string {
  if (word === undefined || shares.size === 0) return 'not known';
  const shown = word === '' ? 'none' : JSON.stringify(word);
  const share = percent(shares.get(word) ?? 0, 1);
  return share === percent(1, 1) ? shown : `${shown} in ${share}`;
}

/** Of those of which it is known. */
function wordShares(outputs: readonly OutputFeatures[], feature: Feature): ReadonlyMap<string, number> {
  const words = outputs.flatMap((output) => wordOf(output, feature) ?? []);
  const counts = Map.groupBy(words, (word) => word);
  return new Map([...counts].map(([word, { length }]) => [word, length / words.length]));
}

function percent(count: number, of: number): string {
  if (of === 0) return 'not known';
  const share = (100 * count) / of;
  return `${share > 0 && share < 1 ? '< 1' : Math.round(share)} %`;
}

/** Outputs that one finds more often on their side than on the other, judged by the features that changed. */
export function examplesOf<Sample extends OutputFeatures>(
  bins: Bins,
  changes: readonly FeatureChange[],
  { before, since }: Compared<Sample>,
): Compared<Sample> {
  const features = changes.slice(0, FEATURES_SHOWN_MAX).map(({ feature }) => feature);
  const weights = logRatios(bins, before, since);
  const offsets = offsetsOf(bins);
  const score = (output: OutputFeatures): number => {
    const own = countOutputs(bins, [output]);
    return features.reduce((sum, feature) => {
      const place = own.indexOf(1, offsets[feature]);
      return sum + (weights[place] as number);
    }, 0);
  };
  return {
    before: firstBy(before, (output) => score(output)),
    since: firstBy(since, (output) => -score(output)),
  };
}

/** Of each bin, how much more likely it is before than since. */
function logRatios(bins: Bins, before: readonly OutputFeatures[], since: readonly OutputFeatures[]): readonly number[] {
  const [inBefore, inSince] = [countOutputs(bins, before), countOutputs(bins, since)];
  return inBefore.map((count, place) =>
    Math.log(((count + 0.5) / (before.length + 1)) * ((since.length + 1) / ((inSince[place] as number) + 0.5))),
  );
}

/** The last ones where several are as good. */
function firstBy<Sample>(outputs: readonly Sample[], order: (output: Sample) => number): readonly Sample[] {
  return outputs
    .map((output, at) => ({ output, at, order: order(output) }))
    .toSorted((a, b) => b.order - a.order || b.at - a.at)
    .slice(0, EXAMPLES)
    .map(({ output }) => output);
}
