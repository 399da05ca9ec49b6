/** Makes what outputs are compared with of a reference: its bins, its counts, and how much its hours differ. Pure. */

import type { HourOfSamples, OutputBaseline, OutputSeries } from '../contract/output-log.ts';
import type { Timestamp } from '../contract/time.ts';
import { addMillis, HOUR_MS, millisBetween } from '../lib/time.ts';
import { binsOf, countOutputs, offsetsOf, ofFeature, type Bins } from './bins.ts';
import { WINDOW_HOURS } from './change-scan.ts';
import { FEATURES_ID } from './output-features.ts';
import { overdispersionByWindow } from './overdispersion.ts';
import { sumOfRows } from './sum-of-rows.ts';

export interface Reference {
  readonly series: OutputSeries;
  readonly madeAt: Timestamp;
  /** Beginnings of hours: `[from, until)`. */
  readonly from: Timestamp;
  readonly until: Timestamp;
  /** Others may be among them, which are left out. */
  readonly hours: readonly HourOfSamples[];
  /** Of a baseline that this one follows: what is asked varies as much as it did. */
  readonly overdispersionMin?: OutputBaseline['overdispersion'];
}

/** There must be outputs in it. Outputs from its end on are compared with it. */
export function baselineOf(reference: Reference): OutputBaseline {
  const { series, madeAt, from, until, overdispersionMin } = reference;
  const hours = reference.hours.filter(({ hour }) => hour >= from && hour < until);
  const outputs = hours.flatMap(({ samples }) => samples);
  const bins = binsOf(outputs);
  const rows = countsByHour(bins, { ...reference, hours });
  const offsets = offsetsOf(bins);
  return {
    series,
    madeAt,
    featuresId: FEATURES_ID,
    from,
    until,
    outputs: outputs.length,
    comparedFrom: until,
    bins,
    counts: sumOfRows(rows, offsets.at(-1) as number),
    overdispersion: bins.map((_, feature) => {
      const own = rows.map((row) => ofFeature(row, offsets, feature));
      const least = overdispersionMin?.[feature];
      return overdispersionByWindow(own, WINDOW_HOURS).map((one, window) => Math.max(one, least?.[window] ?? 1));
    }),
  };
}

function countsByHour(bins: Bins, { from, until, hours }: Reference): readonly (readonly number[])[] {
  const none = countOutputs(bins, []);
  const counted = new Map(hours.map(({ hour, samples }) => [hour, countOutputs(bins, samples)]));
  return Array.from(
    { length: Math.round(millisBetween(from, until) / HOUR_MS) },
    (_, index) => counted.get(addMillis(from, index * HOUR_MS)) ?? none,
  );
}
