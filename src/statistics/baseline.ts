/** Makes what outputs are compared with of a reference: its bins, its counts, and how much its hours differ. Pure. */

import type { HourOfSamples, OutputBaseline, OutputSeries } from '../contract/output-log.ts';
import type { Timestamp } from '../contract/time.ts';
import { addMillis, millisBetween } from '../lib/time.ts';
import { binsOf, countOutputs, offsetsOf, type Bins } from './bins.ts';
import { FEATURES_ID } from './output-features.ts';
import { inGroups, overdispersionOf } from './overdispersion.ts';

export interface Reference {
  readonly series: OutputSeries;
  readonly madeAt: Timestamp;
  /** Beginnings of hours: `[from, until)`. */
  readonly from: Timestamp;
  readonly until: Timestamp;
  readonly hours: readonly HourOfSamples[];
  /** Of a baseline that this one follows: what is asked varies as much as it did. */
  readonly overdispersionMin?: readonly number[];
}

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** There must be outputs in it. Outputs from its end on are compared with it. */
export function baselineOf(reference: Reference): OutputBaseline {
  const { series, madeAt, from, until, hours, overdispersionMin } = reference;
  const outputs = hours.flatMap(({ samples }) => samples);
  const bins = binsOf(outputs);
  const found = overdispersionIn(bins, reference);
  return {
    series,
    madeAt,
    featuresId: FEATURES_ID,
    from,
    until,
    outputs: outputs.length,
    comparedFrom: until,
    bins,
    counts: countOutputs(bins, outputs),
    overdispersion: found.map((one, index) => Math.max(one, overdispersionMin?.[index] ?? 1)),
  };
}

/** Of each feature, by hours or by days, whichever differ more. */
function overdispersionIn(bins: Bins, { from, until, hours }: Reference): readonly number[] {
  const offsets = offsetsOf(bins);
  const none = new Array<number>(offsets.at(-1) as number).fill(0);
  const counted = new Map(hours.map(({ hour, samples }) => [hour, countOutputs(bins, samples)]));
  const rows = Array.from(
    { length: Math.round(millisBetween(from, until) / HOUR_MS) },
    (_, index) => counted.get(addMillis(from, index * HOUR_MS)) ?? none,
  );
  return bins.map((_, feature) => {
    const own = rows.map((row) => row.slice(offsets[feature], offsets[feature + 1]));
    return Math.max(overdispersionOf(own), overdispersionOf(inGroups(own, DAY_HOURS)));
  });
}
