/** Outputs of hours in the bins of a baseline: of some hours, or added up over all that are compared with it. */

import type { CountsOfBaseline, HourOfCounts, OutputBaseline, SumsOfCounts } from '../../contract/output-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { earlierOf, laterOf } from '../../lib/time.ts';
import type { Database } from '../database.ts';
import { jsonLines } from '../json-lines.ts';
import { times } from '../timeline/held-runs.ts';
import { OF_ONE_SERIES, OF_SERIES, parametersOfSeries, SERIES, seriesOf } from './output-series.ts';

/** The beginning of an hour, from a parameter of type DateTime64. */
export const HOUR_OF_ROW = "toDateTime64(hour, 9, 'UTC')";

export async function keepCounts(database: Database, counts: readonly CountsOfBaseline[]): Promise<void> {
  const rows = counts.flatMap(({ baseline: { series, madeAt }, hours }) =>
    hours.map(({ hour, outputs, counts: own }) => ({ ...series, made_at: madeAt, hour, outputs, counts: own })),
  );
  if (rows.length > 0) await database.insertJsonLines('output_counts', jsonLines(rows));
}

export async function readCounts(
  database: Database,
  { series, madeAt, comparedFrom }: OutputBaseline,
  from: Timestamp,
): Promise<readonly HourOfCounts[]> {
  return await database.query<HourOfCounts>(
    `SELECT ${HOUR_OF_ROW} AS hour, outputs, counts FROM output_counts FINAL
     WHERE ${OF_ONE_SERIES} AND made_at = {madeAt:DateTime64(9, 'UTC')} AND hour >= {from:DateTime64(9, 'UTC')}
     ORDER BY output_counts.hour`,
    { ...series, madeAt, from: laterOf(from, comparedFrom) },
  );
}

interface SumsRow {
  readonly place: number;
  /** Place of the smallest window that has these hours; 0: none has. */
  readonly window: number;
  readonly last_hour: Timestamp;
  readonly counts: readonly number[];
}

export async function sumCounts(
  database: Database,
  baselines: readonly OutputBaseline[],
  hour: Timestamp,
  windowHours: readonly number[],
): Promise<readonly SumsOfCounts[]> {
  if (baselines.length === 0) return [];
  const sorted = windowHours.toSorted((a, b) => a - b);
  // Each row is added once: the windows are put together from what lies between them.
  const rows = await database.query<SumsRow>(
    `SELECT place, max(${HOUR_OF_ROW}) AS last_hour, CAST(sumForEach(counts), 'Array(UInt32)') AS counts,
       arrayFirstIndex(
         hours -> hour > toDateTime({hour:DateTime64(9, 'UTC')}) - 3600 * hours, {windows:Array(UInt32)}
       ) AS window
     FROM (
       SELECT (${SERIES}, made_at) AS of, hour, counts FROM output_counts FINAL
       WHERE ${OF_SERIES} AND made_at IN (SELECT arrayJoin(${times('madeAt')}))
         AND hour >= {earliest:DateTime64(9, 'UTC')} AND hour <= {hour:DateTime64(9, 'UTC')}
     ) AS counted
     INNER JOIN (
       SELECT one.1 AS place, (one.2, one.3, one.4, one.5, one.6) AS of, one.7 AS compared_from
       FROM (
         SELECT arrayJoin(arrayZip(
           arrayEnumerate({prompts:Array(String)}), {prompts:Array(String)}, {environments:Array(String)},
           {versions:Array(String)}, {models:Array(String)}, ${times('madeAt')}, ${times('comparedFrom')}
         )) AS one
       )
     ) AS baselines ON counted.of = baselines.of
     WHERE hour >= compared_from GROUP BY place, window`,
    {
      ...parametersOfSeries(baselines.map(({ series }) => series)),
      hour,
      // Of all of them, so that what is older is not read.
      earliest: baselines.map(({ comparedFrom }) => comparedFrom).reduce(earlierOf),
      windows: sorted,
      madeAt: baselines.map(({ madeAt }) => madeAt),
      comparedFrom: baselines.map(({ comparedFrom }) => comparedFrom),
    },
  );
  const byPlace = Map.groupBy(rows, ({ place }) => place);
  return baselines.map((baseline, index): SumsOfCounts => {
    const parts = byPlace.get(index + 1) ?? [];
    const windows = windowSums(parts, sorted, baseline.counts.length);
    return {
      series: seriesOf(baseline.series),
      lastHour: parts.reduce<Timestamp | null>((last, { last_hour }) => laterOf(last_hour, last), null),
      all: windows.get(Infinity) as readonly number[],
      windows: windowHours.map((hours) => windows.get(hours) as readonly number[]),
    };
  });
}

/** By the hours of a window, each with what is in the smaller ones; of everything, by `Infinity`. */
function windowSums(
  parts: readonly SumsRow[],
  sorted: readonly number[],
  length: number,
): ReadonlyMap<number, readonly number[]> {
  const sums = Array.from({ length }, () => 0);
  const windows = new Map<number, readonly number[]>();
  for (const [index, hours] of [...sorted, Infinity].entries()) {
    const place = hours === Infinity ? 0 : index + 1;
    for (const { window, counts } of parts) {
      if (window !== place) continue;
      for (let bin = 0; bin < length; bin += 1) sums[bin] = (sums[bin] as number) + (counts[bin] ?? 0);
    }
    windows.set(hours, sums.slice());
  }
  return windows;
}
