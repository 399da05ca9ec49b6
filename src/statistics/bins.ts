/**
 * Sorts outputs into the bins that a reference gives: eighths of it for a number, its most frequent words for a word.
 * What comes later is counted in the same bins, so that only counts have to be compared. Pure.
 */

import type { FeatureBins, OutputFeatures } from '../contract/output-log.ts';
import { FEATURES, wordOf, type Feature } from './output-features.ts';
import { total } from './sum-of-rows.ts';

/** In the order of `FEATURES`. */
export type Bins = readonly FeatureBins[];

const QUANTILES = 8;
/** A value with a larger part of the reference than this has a bin of its own. */
const ATOM_SHARE = 0.15;
const ATOMS_MAX = 2;
const TOP_WORDS = 9;

/** Bins of the features of a reference, of which there must be some. */
export function binsOf(reference: readonly OutputFeatures[]): Bins {
  return FEATURES.map((feature): FeatureBins => {
    if (feature.kind === 'flag') return { flag: true };
    if (feature.kind === 'word') return mostFrequent(reference.flatMap((output) => wordOf(output, feature) ?? []));
    return numberBins(reference.flatMap(({ numbers }) => numbers[feature.at] ?? []));
  });
}

function numberBins(values: readonly number[]): FeatureBins {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) return { edges: [], atoms: [] };
  const edges: number[] = [];
  for (let eighth = 1; eighth < QUANTILES; eighth += 1) {
    const edge = sorted[Math.floor((eighth * sorted.length) / QUANTILES)] as number;
    if (edge !== edges.at(-1)) edges.push(edge);
  }
  return { edges, atoms: atomsOf(sorted) };
}

function atomsOf(sorted: readonly number[]): readonly number[] {
  const atoms: number[] = [];
  let start = 0;
  for (let at = 1; at <= sorted.length && atoms.length < ATOMS_MAX; at += 1) {
    if (sorted[at] === sorted[start]) continue;
    if (at - start > ATOM_SHARE * sorted.length) atoms.push(sorted[start] as number);
    start = at;
  }
  return atoms;
}

function mostFrequent(words: readonly string[]): { readonly top: readonly string[] } {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].toSorted(([a, inA], [b, inB]) => inB - inA || (a < b ? -1 : 1));
  return { top: sorted.slice(0, TOP_WORDS).map(([word]) => word) };
}

export function sizeOf(bins: FeatureBins): number {
  if ('flag' in bins) return 3;
  return 'top' in bins ? bins.top.length + 2 : bins.edges.length + 1 + bins.atoms.length + 1;
}

/** Where the counts of each feature begin in one list of all; at the end, how long that is. */
export function offsetsOf(bins: Bins): readonly number[] {
  const offsets = [0];
  for (const each of bins) offsets.push((offsets.at(-1) as number) + sizeOf(each));
  return offsets;
}

/** The counts of one feature among those of all, without what is not known: whether it is, is for who sends calls to say. */
export function ofFeature(counts: readonly number[], offsets: readonly number[], feature: number): readonly number[] {
  return counts.slice(offsets[feature], (offsets[feature + 1] as number) - 1);
}

/** How many outputs were counted: each is in one bin of each feature. */
export function outputsIn(counts: readonly number[], offsets: readonly number[]): number {
  return total(counts.slice(0, offsets[1]));
}

/** How many of the outputs are in which bin: of all features one after the other. */
export function countOutputs(bins: Bins, outputs: readonly OutputFeatures[]): number[] {
  const offsets = offsetsOf(bins);
  const counts = Array.from({ length: offsets.at(-1) as number }, () => 0);
  const places = bins.map(placeIn);
  for (const output of outputs) {
    for (const [index, feature] of FEATURES.entries()) {
      const at = (offsets[index] as number) + (places[index] as Place)(output, feature);
      counts[at] = (counts[at] as number) + 1;
    }
  }
  return counts;
}

type Place = (output: OutputFeatures, feature: Feature) => number;

function placeIn(bins: FeatureBins): Place {
  if ('flag' in bins) return ({ flags }, { at }) => (flags === null ? 2 : (flags >> at) & 1);
  if ('top' in bins) {
    const places = new Map(bins.top.map((word, place) => [word, place]));
    return (output, feature) => {
      const word = wordOf(output, feature);
      return word === null ? bins.top.length + 1 : (places.get(word) ?? bins.top.length);
    };
  }
  const { edges, atoms } = bins;
  return ({ numbers }, { at }) => {
    const value = numbers[at] ?? null;
    if (value === null) return edges.length + 1 + atoms.length;
    const atom = atoms.indexOf(value);
    if (atom >= 0) return edges.length + 1 + atom;
    let place = 0;
    while (place < edges.length && value >= (edges[place] as number)) place += 1;
    return place;
  };
}
