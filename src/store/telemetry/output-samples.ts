/** Reads what was noted of outputs: all that is kept of each, or only what is compared. */

import type {
  HourOfFeatures,
  HourOfSamples,
  OutputFeatures,
  OutputSample,
  OutputSeries,
  SeriesSince,
} from '../../contract/output-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { earlierOf } from '../../lib/time.ts';
import type { Database, QueryParameters } from '../database.ts';
import { HOUR_OF_ROW } from './output-counts.ts';
import { keyOfSeries, OF_SERIES, parametersOfSeries, SERIES } from './output-series.ts';

/** Of some series, since the earliest hour that is asked for of any. */
const ASKED_FOR = `${OF_SERIES} AND features_id = {featuresId:UInt16}
  AND hour >= {from:DateTime64(9, 'UTC')} AND hour < {until:DateTime64(9, 'UTC')}`;

function parametersOf(of: readonly SeriesSince[], featuresId: number, until: Timestamp): QueryParameters {
  const from = of.map((one) => one.from).reduce(earlierOf);
  return { ...parametersOfSeries(of.map(({ series }) => series)), featuresId, from, until };
}

interface SampleRow extends OutputSeries {
  readonly at_hour: Timestamp;
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at: Timestamp;
  readonly numbers: readonly (number | null)[];
  readonly flags: number | null;
  readonly words: readonly string[];
}

export async function readSamples(
  database: Database,
  of: readonly SeriesSince[],
  featuresId: number,
  until: Timestamp,
): Promise<readonly (readonly HourOfSamples[])[]> {
  if (of.length === 0) return [];
  const rows = await database.query<SampleRow>(
    `SELECT ${SERIES}, ${HOUR_OF_ROW} AS at_hour, trace_id, span_id, started_at, numbers, flags, words
     FROM output_samples FINAL WHERE ${ASKED_FOR} ORDER BY hour, trace_id, span_id`,
    parametersOf(of, featuresId, until),
  );
  const bySeries = Map.groupBy(rows, keyOfSeries);
  return of.map(({ series, from }) => {
    const own = (bySeries.get(keyOfSeries(series)) ?? []).filter((row) => row.at_hour >= from);
    const hours = Map.groupBy(own, (row) => row.at_hour);
    return [...hours].map(([hour, some]) => ({ hour, samples: some.map(toSample) }));
  });
}

function toSample({ trace_id, span_id, started_at, numbers, flags, words }: SampleRow): OutputSample {
  return {
    traceId: trace_id,
    spanId: span_id,
    startedAt: started_at,
    // They come with no more digits than tell them from their neighbours.
    numbers: numbers.map((number) => (number === null ? null : Math.fround(number))),
    flags,
    words,
  };
}

interface FeaturesRow extends OutputSeries {
  readonly at_hour: Timestamp;
  readonly outputs: readonly (readonly [
    bits: readonly (number | null)[],
    flags: number | null,
    words: readonly string[],
  ])[];
}

/** Numbers as their bits, in which the engine writes them faster, and the names of a series and an hour once. */
export async function readFeatures(
  database: Database,
  of: readonly SeriesSince[],
  featuresId: number,
  until: Timestamp,
): Promise<readonly (readonly HourOfFeatures[])[]> {
  if (of.length === 0) return [];
  const rows = await database.query<FeaturesRow>(
    `SELECT ${SERIES}, ${HOUR_OF_ROW} AS at_hour,
       groupArray((arrayMap(number -> reinterpretAsUInt32(number), numbers), flags, words)) AS outputs
     FROM output_samples FINAL WHERE ${ASKED_FOR} GROUP BY ${SERIES}, output_samples.hour ORDER BY at_hour`,
    parametersOf(of, featuresId, until),
  );
  const bySeries = Map.groupBy(rows, keyOfSeries);
  return of.map(({ series, from }) => {
    const own = (bySeries.get(keyOfSeries(series)) ?? []).filter((row) => row.at_hour >= from);
    return own.map(({ at_hour, outputs }) => ({ hour: at_hour, outputs: outputs.map(toFeatures) }));
  });
}

const BITS = new Uint32Array(1);
const NUMBER = new Float32Array(BITS.buffer);

function toFeatures([bits, flags, words]: FeaturesRow['outputs'][number]): OutputFeatures {
  return { numbers: bits.map((of) => (of === null ? null : numberOf(of))), flags, words };
}

function numberOf(bits: number): number {
  BITS[0] = bits;
  return NUMBER[0] as number;
}
