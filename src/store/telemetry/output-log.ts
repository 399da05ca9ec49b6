/**
 * What is noted of outputs: samples of hours, what they are compared with, and what is known of each series. Whatever is
 * written again has the same key, and counts once.
 */

import type {
  NotedHour,
  OutputBaseline,
  OutputLog,
  OutputSeries,
  OutputStatus,
  SeriesExtent,
  SamplesOfHour,
} from '../../contract/output-log.ts';
import type { TextLog } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { chunks } from '../../lib/chunks.ts';
import type { Database } from '../database.ts';
import { jsonLines } from '../json-lines.ts';
import { readAnswers, readOutputTexts } from './output-answers.ts';
import { HOUR_OF_ROW, keepCounts, readCounts, sumCounts } from './output-counts.ts';
import { keepHoursRead, QUIET_S, readHoursToRead, readSeriesToNote } from './output-hours.ts';
import { readFeatures, readSamples } from './output-samples.ts';
import { OF_SERIES, parametersOfSeries, SERIES, seriesOf } from './output-series.ts';

const ROWS_PER_INSERT = 5_000;
const SERIES_PER_QUERY = 500;

/** `quietS`: an hour for which something was written within so many seconds may change under whoever reads it. */
export function createOutputLog(database: Database, texts: TextLog, quietS = QUIET_S): OutputLog {
  return {
    hoursToRead: (featuresId, from, until) => readHoursToRead(database, featuresId, { from, until, quietS }),
    keepHoursRead: (featuresId, hours) => keepHoursRead(database, featuresId, hours),
    seriesToNote: (featuresId, hours, limits) => readSeriesToNote(database, featuresId, hours, limits),
    answers: (of, answersMax) => readAnswers(database, texts, of, answersMax),
    keepSamples: (featuresId, samples) => keepSamples(database, featuresId, samples),
    keepNoted: (featuresId, noted) => keepNoted(database, featuresId, noted),
    extents: (featuresId, since) => readExtents(database, featuresId, since),
    samples: (of, featuresId, until) => readSamples(database, of, featuresId, until),
    features: (of, featuresId, until) => readFeatures(database, of, featuresId, until),
    keepBaselines: async (baselines) => {
      const rows = baselines.map((baseline) => {
        return { ...baseline.series, made_at: baseline.madeAt, document: JSON.stringify(baseline) };
      });
      if (rows.length > 0) await database.insertJsonLines('output_baselines', jsonLines(rows));
    },
    baselines: (series) => readBaselines(database, series),
    keepCounts: (counts) => keepCounts(database, counts),
    counts: (baseline, from) => readCounts(database, baseline, from),
    sums: (baselines, hour, windowHours) => sumCounts(database, baselines, hour, windowHours),
    keepStatuses: async (statuses) => {
      const rows = statuses.map((status) => {
        return { ...status.series, at: status.at, state: status.state, document: JSON.stringify(status) };
      });
      if (rows.length > 0) await database.insertJsonLines('output_statuses', jsonLines(rows));
    },
    statuses: async () => {
      const rows = await database.query<{ at: Timestamp; document: string }>(
        `SELECT at, document FROM output_statuses FINAL ORDER BY ${SERIES}`,
      );
      return rows.map(({ at, document }) => ({ ...(JSON.parse(document) as OutputStatus), at }));
    },
    texts: (outputs) => readOutputTexts(database, texts, outputs),
  };
}

async function keepSamples(database: Database, featuresId: number, samples: readonly SamplesOfHour[]): Promise<void> {
  const rows = samples.flatMap(({ series, hour, samples: some }) =>
    some.map(({ traceId, spanId, startedAt, numbers, flags, words }) => {
      const of = { ...seriesOf(series), features_id: featuresId, hour };
      return { ...of, trace_id: traceId, span_id: spanId, started_at: startedAt, numbers, flags, words };
    }),
  );
  for (const some of chunks(rows, ROWS_PER_INSERT)) await database.insertJsonLines('output_samples', jsonLines(some));
}

async function keepNoted(database: Database, featuresId: number, noted: readonly NotedHour[]): Promise<void> {
  const rows = noted.map(({ series, hour, outputs }) => {
    return { ...seriesOf(series), features_id: featuresId, hour, outputs };
  });
  if (rows.length > 0) await database.insertJsonLines('output_hours', jsonLines(rows));
}

async function readExtents(database: Database, featuresId: number, since: Timestamp): Promise<readonly SeriesExtent[]> {
  const rows = await database.query<
    OutputSeries & { readonly first: Timestamp; readonly last: Timestamp; readonly all: number }
  >(
    `SELECT ${SERIES}, min(${HOUR_OF_ROW}) AS first, max(${HOUR_OF_ROW}) AS last, toFloat64(sum(outputs)) AS all
     FROM output_hours FINAL
     WHERE features_id = {featuresId:UInt16} AND hour >= {since:DateTime64(9, 'UTC')} AND outputs > 0
     GROUP BY ${SERIES} ORDER BY ${SERIES}`,
    { featuresId, since },
  );
  return rows.map((row) => {
    return { series: seriesOf(row), firstHour: row.first, lastHour: row.last, outputs: row.all };
  });
}

async function readBaselines(database: Database, series: readonly OutputSeries[]): Promise<readonly OutputBaseline[]> {
  const found: OutputBaseline[] = [];
  for (const some of chunks(series, SERIES_PER_QUERY)) {
    const rows = await database.query<{ document: string }>(
      `SELECT document FROM output_baselines FINAL WHERE ${OF_SERIES} ORDER BY made_at DESC LIMIT 1 BY ${SERIES}`,
      parametersOfSeries(some),
    );
    found.push(...rows.map(({ document }) => JSON.parse(document) as OutputBaseline));
  }
  return found;
}
