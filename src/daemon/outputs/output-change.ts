/** Finds out about a change of outputs that is certain: when it began, what changed, examples; and whether it is over. */

import type { OutputBaseline, OutputChange, OutputLog, OutputOf, OutputSample } from '../../contract/output-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, DAY_MS, HOUR_MS, laterOf, millisBetween } from '../../lib/time.ts';
import { offsetsOf, ofFeature, outputsIn } from '../../statistics/bins.ts';
import { beginningOf, logReturned } from '../../statistics/change-point.ts';
import { logBayesFactor, WINDOW_HOURS, type Scan } from '../../statistics/change-scan.ts';
import { describeChange, examplesOf } from '../../statistics/describe-change.ts';
import { FEATURES, FEATURES_ID } from '../../statistics/output-features.ts';
import { sumOfRows } from '../../statistics/sum-of-rows.ts';
import { INPUTS } from './compared-features.ts';

type Rows = Pick<OutputLog, 'counts' | 'samples'>;

export interface ComparedSeries {
  readonly baseline: OutputBaseline;
  /** The last hour that was counted. */
  readonly hour: Timestamp;
  /** Of the baseline and all that was compared with it. */
  readonly all: readonly number[];
}

/** The beginning of a change is looked for in the largest window and the one before it. */
export const LOOKED_AT_HOURS = 256;
const FEATURES_OF_BEGINNING = 5;
const BEFORE_MS = 7 * DAY_MS;
const INPUTS_LOG_FACTOR = Math.log(100);
/** Of a state that goes on, it is taken for over by chance once in so many hours. */
const RETURNED_LOG_FACTOR = Math.log(720);
/** Fewer are no state that one could tell from the one before. */
const CHANGED_OUTPUTS_MIN = 20;

export async function changeFound(
  log: Rows,
  { baseline, hour, all }: ComparedSeries,
  found: Scan,
  now: Timestamp,
): Promise<OutputChange> {
  const from = laterOf(baseline.comparedFrom, addMillis(hour, (1 - LOOKED_AT_HOURS) * HOUR_MS));
  const rows = await countsByHour(log, baseline, from, hour);
  const offsets = offsetsOf(baseline.bins);
  const before = without(all, sumOfRows(rows, all.length));
  const beginning = beginningOf(
    found.features.slice(0, FEATURES_OF_BEGINNING).map(({ feature }) => ({
      overdispersion: largestOf(baseline, feature),
      before: ofFeature(before, offsets, feature),
      hours: rows.map((row) => ofFeature(row, offsets, feature)),
    })),
  );
  const sinceHour = addMillis(from, beginning.at * HOUR_MS);
  const earliest = addMillis(from, beginning.earliest * HOUR_MS);
  const samples = {
    before: await samplesBetween(log, baseline, laterOf(baseline.from, addMillis(earliest, -BEFORE_MS)), earliest),
    since: await samplesBetween(log, baseline, sinceHour, addMillis(hour, HOUR_MS)),
  };
  const changed = sumOfRows(rows.slice(beginning.at), all.length);
  const examples = examplesOf(baseline.bins, found.features, samples);
  return {
    between: [earliest, addMillis(from, (beginning.latest + 1) * HOUR_MS)],
    sinceHour,
    noticedAt: now,
    features: describeChange(found.features, samples),
    inputsChanged: INPUTS.some((feature) => {
      const [window, total] = [ofFeature(changed, offsets, feature), ofFeature(all, offsets, feature)];
      return logBayesFactor(window, total, largestOf(baseline, feature)) >= INPUTS_LOG_FACTOR;
    }),
    outputsBefore: samples.before.length,
    outputsSince: samples.since.length,
    examplesBefore: examples.before.map(outputOf),
    examplesSince: examples.since.map(outputOf),
  };
}

/** From which hour on the outputs are as they were before the change; null: they are not, or it can't be told yet. */
export async function returnedSince(
  log: Rows,
  { baseline, hour, all }: ComparedSeries,
  { sinceHour, features }: OutputChange,
): Promise<{ readonly hour: Timestamp; readonly before: readonly number[] } | null> {
  const changedRows = await countsByHour(log, baseline, sinceHour, hour);
  const rows = changedRows.slice(-LOOKED_AT_HOURS);
  const offsets = offsetsOf(baseline.bins);
  const before = without(all, sumOfRows(changedRows, all.length));
  const changed = new Set(features.map(({ name }) => name));
  const compared = FEATURES.flatMap(({ name }, index) => (changed.has(name) ? index : []));
  for (const hours of WINDOW_HOURS) {
    const last = sumOfRows(rows.slice(-hours), all.length);
    const since = sumOfRows(rows.slice(0, -hours), all.length);
    if (outputsIn(since, offsets) < CHANGED_OUTPUTS_MIN) break;
    const logFactor = logReturned(
      compared.map((feature) => ({
        overdispersion: largestOf(baseline, feature),
        before: ofFeature(before, offsets, feature),
        since: ofFeature(since, offsets, feature),
        last: ofFeature(last, offsets, feature),
      })),
    );
    if (logFactor >= RETURNED_LOG_FACTOR) return { hour: addMillis(hour, (1 - hours) * HOUR_MS), before };
  }
  return null;
}

/** Of stretches of any length. */
function largestOf({ overdispersion }: OutputBaseline, feature: number): number {
  return overdispersion[feature]?.at(-1) ?? 1;
}

/** Of each hour from `from` to `hour`, zeros where there was none. */
async function countsByHour(
  log: Rows,
  baseline: OutputBaseline,
  from: Timestamp,
  hour: Timestamp,
): Promise<readonly (readonly number[])[]> {
  const known = new Map((await log.counts(baseline, from)).map(({ hour: of, counts }) => [of, counts]));
  const none = baseline.counts.map(() => 0);
  const length = Math.max(0, Math.round(millisBetween(from, hour) / HOUR_MS) + 1);
  return Array.from({ length }, (_, index) => known.get(addMillis(from, index * HOUR_MS)) ?? none);
}

async function samplesBetween(
  log: Rows,
  { series }: OutputBaseline,
  from: Timestamp,
  until: Timestamp,
): Promise<readonly OutputSample[]> {
  const [hours = []] = await log.samples([{ series, from }], FEATURES_ID, until);
  return hours.flatMap(({ samples }) => samples);
}

function without(all: readonly number[], some: readonly number[]): readonly number[] {
  return all.map((count, index) => count - (some[index] ?? 0));
}

function outputOf({ traceId, spanId, startedAt }: OutputSample): OutputOf {
  return { traceId, spanId, startedAt };
}
