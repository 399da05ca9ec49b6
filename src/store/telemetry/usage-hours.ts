/**
 * Usage added up by the hour, so that a month of it costs a look at its hours and not at its calls.
 * Made when somebody asks, from hours in which nothing has changed for a while. `usage_changes`
 * counts the rows that were ever written for an hour; what was added up at another count is not
 * used. So a replaced row is never counted twice, and nothing has to be told what changed. Of months whose
 * calls are gone (`retention.ts`) the sums are all that there is.
 */

import { LABEL_CHARACTERS_MAX } from '../../contract/invocation.ts';
import type { Timestamp } from '../../contract/time.ts';
import { chunksByWeight } from '../../lib/chunks.ts';
import { beginningOfHour, earlierOf, laterOf, timestampFromMillis } from '../../lib/time.ts';
import type { OneAtATime } from '../../lib/one-at-a-time.ts';
import type { Database, QueryParameters } from '../database.ts';
import { endOfDropped, readDroppedMonths } from './dropped-months.ts';
import { secondsOf, startedBefore, startedInHours, startedSince } from './started.ts';

/** What usage can be grouped by. The model is the answered one, else the asked one. */
const GROUPS = 'prompt, version, model, service, owner, environment, service_tier';

/** Columns of `usage_hours` that are added up, from columns of `invocations`. */
const SUMS = `
  count() AS calls,
  countIf(error_type != '') AS errors,
  ifNull(sum(call.input_tokens), 0) AS input_tokens,
  ifNull(sum(call.output_tokens), 0) AS output_tokens,
  ifNull(sum(call.cache_read_tokens), 0) AS cache_read_tokens,
  ifNull(sum(call.cache_write_tokens), 0) AS cache_write_tokens,
  ifNull(sum(call.reasoning_tokens), 0) AS reasoning_tokens,
  sumMapIf(call.token_parts, notEmpty(call.token_parts)) AS token_parts,
  sum(call.web_searches) AS web_searches,
  ifNull(sum(call.cost_usd), 0) AS cost_usd,
  countIf(call.cost_usd IS NULL) AS unpriced_calls,
  quantilesTDigestState(0.5, 0.95, 0.99)(latency_ms) AS latency,
  quantilesTDigestState(0.5, 0.95, 0.99)(first_token_ms) AS first_token,
  quantilesTDigestState(0.5, 0.95, 0.99)(call.output_tokens) AS output_length,
  sumMapIf(CAST((reasons, arrayMap(_ -> 1, reasons)), 'Map(LowCardinality(String), UInt64)'), notEmpty(reasons))
    AS finish_reasons,
  sumMap(
    arrayMap(each -> toJSONString([each.name, if(lengthUTF8(each.label) <= ${LABEL_CHARACTERS_MAX}, each.label, '')]), evaluations),
    arrayMap(_ -> toUInt64(1), evaluations),
    arrayMap(each -> toUInt64(isNotNull(each.score)), evaluations),
    arrayMap(each -> ifNull(each.score, 0), evaluations),
    arrayMap(each -> ifNull(each.score * each.score, 0), evaluations)
  ) AS judgements`;

const SUMMED =
  'calls, errors, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, ' +
  'token_parts, web_searches, cost_usd, unpriced_calls, latency, first_token, output_length, finish_reasons, judgements';

/** Which sums an hour has; whoever adds one counts this up. What was added up with fewer is not used. */
const FORM = 3;

const HOUR_S = 3_600;
/**
 * An hour is added up when nothing was written for it in so long. Longer than a write is under way,
 * or a replica behind.
 */
const QUIET_S = 300;
// What one statement adds up: its groups are in memory until it ends.
const ROWS_PER_STATEMENT = 4_000_000;
const HOURS_PER_STATEMENT = 48;

interface Hour {
  /** Seconds since 1970. */
  readonly hour: number;
  /** Rows ever written for it; the name of its state. */
  readonly rows: number;
  readonly isQuiet: boolean;
  /** A day begins within it, and not with it: it belongs to two. */
  readonly isOfTwoDays: boolean;
}

/** A SELECT of partial sums by hour and group, or by quarters of the hour, over calls that started in `[from, to)`. */
export interface PartialSums {
  readonly sql: string;
  readonly parameters: QueryParameters;
}

export interface AddUpOptions {
  /** Seconds; see `QUIET_S`. */
  readonly quietS?: number;
  /** Of everybody who asks: what one adds up, another that waited for it finds. */
  readonly turns: OneAtATime;
}

export interface Period {
  readonly from: Timestamp;
  readonly to: Timestamp;
  /** By whose days it is grouped: those that don't begin with an hour of UTC divide their hour. */
  readonly timeZone: string;
}

export async function partialSums(
  database: Database,
  { from: asked, to, timeZone }: Period,
  { quietS = QUIET_S, turns }: AddUpOptions,
): Promise<PartialSums> {
  const dropped = await readDroppedMonths(database);
  const from = laterOf(asked, endOfDropped(dropped));
  const first = firstHourFrom(from);
  const end = secondsOf(beginningOfHour(to));
  const hours = await hoursBetween(database, first, end, { quietS, timeZone });
  const made = await madeHours(database, first, end);
  if (hours.some((hour) => isMissing(hour, made))) {
    await turns.run('usage', async () => {
      const madeMeanwhile = await madeHours(database, first, end);
      const missing = hours.filter((hour) => isMissing(hour, madeMeanwhile));
      for (const some of portions(missing)) await addUp(database, some);
    });
  }
  const isAddedUp = (hour: Hour): boolean => !hour.isOfTwoDays && (hour.isQuiet || made.has(nameOf(hour)));
  const addedUp = hours.filter(isAddedUp);
  const others = hours.filter((hour) => !isAddedUp(hour));
  // The ends, where only a part of the hour is asked for, and hours that still change.
  const ends: readonly (readonly [Timestamp, Timestamp])[] =
    first < end
      ? [
          [from, atSecond(first)],
          [atSecond(end), to],
        ]
      : [[from, to]];
  const spans = ends.filter(([start, stop]) => start < stop);
  const conditions = [
    ...spans.map((_, index) => `${startedSince(`from${index}`)} AND ${startedBefore(`to${index}`)}`),
    ...(others.length === 0 ? [] : [startedInHours('others')]),
  ];
  const parts = [
    ...(asked < from ? [SUMS_OF_DROPPED_MONTHS] : []),
    ...(addedUp.length === 0 ? [] : [SUMS_OF_HOURS]),
    ...(conditions.length === 0 && (addedUp.length > 0 || asked < from)
      ? []
      : [sumsOfCalls(anyOf(conditions), QUARTERS)]),
  ];
  return {
    sql: parts.join(' UNION ALL '),
    parameters: {
      from: atSecond(first),
      to: atSecond(end),
      droppedFrom: asked,
      droppedTo: earlierOf(from, to),
      dropped: [...dropped.keys()],
      droppedStates: [...dropped.values()],
      hours: addedUp.map(({ hour }) => hour),
      states: addedUp.map(({ rows }) => rows),
      others: others.map(({ hour }) => hour),
      ...Object.fromEntries(
        spans.flatMap(([start, stop], index) => [
          [`from${index}`, start],
          [`to${index}`, stop],
        ]),
      ),
    },
  };
}

function isMissing(hour: Hour, made: ReadonlySet<string>): boolean {
  return hour.isQuiet && !hour.isOfTwoDays && !made.has(nameOf(hour));
}

/** The first whole hour that does not begin before it, in seconds since 1970. */
function firstHourFrom(time: Timestamp): number {
  const beginning = beginningOfHour(time);
  return secondsOf(beginning) + (beginning < time ? HOUR_S : 0);
}

function nameOf({ hour, rows }: Pick<Hour, 'hour' | 'rows'>): string {
  return `${hour}/${rows}`;
}

// What was added up twice at the same state is merged away in time, and meanwhile by FINAL.
const SUMS_OF_HOURS = `SELECT hour, ${GROUPS}, ${SUMMED} FROM usage_hours FINAL
  WHERE hour >= {from:DateTime64(9, 'UTC')} AND hour < {to:DateTime64(9, 'UTC')} AND form = ${FORM}
    AND (toUnixTimestamp(hour), rows) IN (SELECT arrayJoin(arrayZip({hours:Array(UInt32)}, {states:Array(UInt64)})))`;

/**
 * Of months that are gone there are whole hours only: one that begins in the period is in it. They were added up by
 * what was known of usage then, whatever their form.
 */
const SUMS_OF_DROPPED_MONTHS = `SELECT hour, ${GROUPS}, ${SUMMED} FROM usage_hours FINAL
  WHERE hour >= {droppedFrom:DateTime64(9, 'UTC')} AND hour < {droppedTo:DateTime64(9, 'UTC')}
    AND (toYYYYMM(hour), rows) IN (SELECT arrayJoin(arrayZip({dropped:Array(UInt32)}, {droppedStates:Array(UInt64)})))`;

function anyOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? 'false' : `(${conditions.map((each) => `(${each})`).join(' OR ')})`;
}

const HOURS = 'toStartOfHour(started_at)';
/** With which days begin, in every time zone of now. */
const QUARTERS = 'toStartOfFifteenMinutes(started_at)';

function sumsOfCalls(condition: string, started: string): string {
  return `SELECT hour, ${GROUPS}, ${SUMS}
    FROM (
      SELECT ${started} AS hour, prompt, version,
        if(response_model != '', response_model, request_model) AS model, service, owner, environment, service_tier,
        error_type, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, token_parts,
        web_searches, cost_usd, latency_ms, first_token_ms, arrayDistinct(finish_reasons) AS reasons, evaluations
      FROM invocations FINAL WHERE ${condition} AND is_deleted = 0
    ) AS call
    GROUP BY hour, ${GROUPS}`;
}

async function hoursBetween(
  database: Database,
  first: number,
  end: number,
  { quietS, timeZone }: Required<Pick<AddUpOptions, 'quietS'>> & Pick<Period, 'timeZone'>,
): Promise<readonly Hour[]> {
  if (first >= end) return [];
  const rows = await database.query<{ at_hour: number; written: string; is_quiet: number; is_of_two_days: number }>(
    `SELECT toUnixTimestamp(hour) AS at_hour, sum(rows) AS written,
       max(at) <= now('UTC') - toIntervalSecond(${quietS}) AS is_quiet,
       toDate(hour, {zone:String}) != toDate(hour + ${HOUR_S - 1}, {zone:String}) AS is_of_two_days
     FROM usage_changes WHERE hour >= toDateTime({first:UInt32}, 'UTC') AND hour < toDateTime({end:UInt32}, 'UTC')
     GROUP BY hour ORDER BY hour`,
    { first, end, zone: timeZone },
  );
  return rows.map((row) => ({
    hour: row.at_hour,
    rows: Number(row.written),
    isQuiet: row.is_quiet === 1,
    isOfTwoDays: row.is_of_two_days === 1,
  }));
}

async function madeHours(database: Database, first: number, end: number): Promise<ReadonlySet<string>> {
  if (first >= end) return new Set();
  const rows = await database.query<{ at_hour: number; state: string }>(
    `SELECT DISTINCT toUnixTimestamp(hour) AS at_hour, rows AS state FROM usage_hours
     WHERE hour >= toDateTime({first:UInt32}, 'UTC') AND hour < toDateTime({end:UInt32}, 'UTC') AND form = ${FORM}`,
    { first, end },
  );
  return new Set(rows.map((row) => nameOf({ hour: row.at_hour, rows: Number(row.state) })));
}

function portions<Each extends Pick<Hour, 'rows'>>(hours: readonly Each[]): readonly (readonly Each[])[] {
  return chunksByWeight(hours, ({ rows }) => rows, { weightMax: ROWS_PER_STATEMENT, itemsMax: HOURS_PER_STATEMENT });
}

/**
 * The states were read before the calls: whatever is written meanwhile gives the hour another state.
 * An hour of which every call was taken back leaves no row, and is looked at again; it costs little.
 */
async function addUp(database: Database, hours: readonly Pick<Hour, 'hour' | 'rows'>[]): Promise<void> {
  const calls = sumsOfCalls(startedInHours('hours'), HOURS);
  await database.command(
    `INSERT INTO usage_hours (form, hour, rows, ${GROUPS}, ${SUMMED})
     SELECT ${FORM}, hour, transform(toUnixTimestamp(hour), {hours:Array(UInt32)}, {states:Array(UInt64)}, toUInt64(0)), ${GROUPS}, ${SUMMED}
     FROM (${calls})`,
    { hours: hours.map(({ hour }) => hour), states: hours.map(({ rows }) => rows) },
  );
}

// Above all numbers of rows; see `0016-retention.ts`.
const STATES_OF_DROPPED = 2 ** 52;

/**
 * Adds up a month whose calls are about to go. Returns how many there were, and the state under which its hours then
 * stand. One of its own each time: what was added up by half, by a process that ended, is not used.
 */
export async function keepSums(
  database: Database,
  month: number,
  signal?: AbortSignal,
): Promise<{ readonly state: number; readonly calls: number }> {
  const state = STATES_OF_DROPPED + Date.now();
  const rows = await database.query<{ at_hour: number; written: string }>(
    `SELECT toUnixTimestamp(${HOURS}) AS at_hour, count() AS written FROM invocations
     WHERE toYYYYMM(started_at) = {month:UInt32} GROUP BY at_hour ORDER BY at_hour`,
    { month },
  );
  const hours = rows.map((row) => ({ hour: row.at_hour, rows: Number(row.written) }));
  for (const some of portions(hours)) {
    signal?.throwIfAborted();
    await addUp(
      database,
      some.map(({ hour }) => ({ hour, rows: state })),
    );
  }
  const [sums] = await database.query<{ calls: string }>(
    'SELECT sum(calls) AS calls FROM usage_hours FINAL WHERE toYYYYMM(hour) = {month:UInt32} AND rows = {state:UInt64}',
    { month, state },
  );
  return { state, calls: Number(sums?.calls ?? 0) };
}

function atSecond(seconds: number): Timestamp {
  return timestampFromMillis(seconds * 1_000);
}
