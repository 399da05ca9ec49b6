/**
 * Which hours have answers that were not noted yet, and of which series. `usage_changes` counts the rows that were ever
 * written for an hour: at another count than the one at which it was read, there may be more in it.
 */

import type { HourToRead, SeriesOfHour, SeriesToNote } from '../../contract/output-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Database } from '../database.ts';
import { OF_HOUR, SERIES, seriesOf } from './output-series.ts';
import { secondsOf, startedInHours } from './started.ts';

/** Longer than a write is under way, or a replica behind: what is counted may not be there to be read before. */
export const QUIET_S = 300;

export async function readHoursToRead(
  database: Database,
  featuresId: number,
  { from, until, quietS }: { readonly from: Timestamp; readonly until: Timestamp; readonly quietS: number },
): Promise<readonly HourToRead[]> {
  const rows = await database.query<{ hour: Timestamp; written: number; is_quiet: number }>(
    `SELECT toDateTime64(written_hour, 9, 'UTC') AS hour, toFloat64(written) AS written, is_quiet
     FROM (
       SELECT hour AS written_hour, sum(rows) AS written,
         max(at) <= now('UTC') - toIntervalSecond(${Math.floor(quietS)}) AS is_quiet
       FROM usage_changes WHERE hour >= {from:DateTime64(9, 'UTC')} AND hour < {until:DateTime64(9, 'UTC')}
       GROUP BY hour
     ) AS changed
     WHERE (written_hour, written) NOT IN (SELECT hour, rows FROM output_read_hours FINAL WHERE features_id = {featuresId:UInt16})
     ORDER BY written_hour`,
    { from, until, featuresId },
  );
  return rows.map(({ hour, written, is_quiet }) => ({ hour, rows: written, isQuiet: is_quiet === 1 }));
}

export async function keepHoursRead(
  database: Database,
  featuresId: number,
  hours: readonly HourToRead[],
): Promise<void> {
  const rows = hours.map(({ hour, rows: written }) => ({ features_id: featuresId, hour, rows: written }));
  if (rows.length > 0) await database.insert('output_read_hours', rows);
}

/** Calls whose answers are compared, and the model they were asked of. */
export const COMPARED_CALL = `is_deleted = 0 AND error_type = '' AND prompt != '' AND version != ''
  AND operation IN ('chat', 'text_completion')`;
export const ASKED_MODEL = "if(request_model = '', response_model, request_model)";

export async function readSeriesToNote(
  database: Database,
  featuresId: number,
  hours: readonly Timestamp[],
  { answersMax, seriesMax }: { readonly answersMax: number; readonly seriesMax: number },
): Promise<SeriesToNote> {
  if (hours.length === 0) return { series: [], isCut: false };
  const rows = await database.query<Omit<SeriesOfHour, 'series'> & SeriesOfHour['series'] & { in_hour: number }>(
    `SELECT toDateTime64(call_hour, 9, 'UTC') AS hour, ${SERIES}, toFloat64(calls) AS calls, toFloat64(in_hour) AS in_hour
     FROM (
       SELECT *, count() OVER (PARTITION BY call_hour) AS in_hour
       FROM (
         SELECT toStartOfHour(started_at) AS call_hour, environment, prompt, version, ${ASKED_MODEL} AS model, count() AS calls
         FROM invocations FINAL WHERE ${startedInHours('hours')} AND ${COMPARED_CALL}
         GROUP BY call_hour, environment, prompt, version, model
       )
       ORDER BY call_hour, calls DESC, ${SERIES} LIMIT {seriesMax:UInt32} BY call_hour
     ) AS busiest
     LEFT JOIN (
       SELECT hour AS call_hour, ${SERIES}, outputs FROM output_hours FINAL
       WHERE features_id = {featuresId:UInt16} AND ${OF_HOUR}
     ) AS noted USING (call_hour, ${SERIES})
     WHERE least(calls, {answersMax:UInt32}) > outputs
     ORDER BY call_hour, calls DESC, ${SERIES}`,
    { hours: hours.map(secondsOf), featuresId, answersMax, seriesMax },
  );
  return {
    series: rows.map((row) => ({ series: seriesOf(row), hour: row.hour, calls: row.calls })),
    isCut: rows.some(({ in_hour }) => in_hour > seriesMax),
  };
}
