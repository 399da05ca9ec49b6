/**
 * Is what calls show what the registry declares of them? Follows one metric of one version from hour to hour: whether it is off,
 * since when, how much at least, and whether it is within again. Better than declared is within. Pure.
 */

import type {
  BaselineChange,
  BaselineSeries,
  BaselineStatus,
  HourOfMean,
  MeasuredMean,
} from '../contract/baseline-log.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import { addMillis, earlierOf, HOUR_MS, laterOf, millisBetween } from '../lib/time.ts';
import { COST_OF_CALL } from '../text/declared-metric.ts';
import { ALARM_LOG_EXCESS, beginningOf, logExcess, type ExcessHour } from './excess.ts';
import { meanOfHours } from './mean-of-hours.ts';

export interface HoursToFollow {
  readonly series: BaselineSeries;
  readonly declared: number;
  readonly at: Timestamp;
  /** In order; those from `from` on, before `until`. */
  readonly hours: readonly HourOfMean[];
  readonly from: Timestamp;
  readonly until: Timestamp;
}

/** How bad a mean is: `badness` is 0 at its best and 1 at the limit. */
interface Measure {
  /** What is declared, and as much beyond it as nobody needs to hear of. */
  readonly tolerated: number;
  readonly badness: (mean: number, limit: number) => number;
  readonly isBeyond: (mean: number, limit: number) => boolean;
  readonly worse: (mean: number, by: number) => number;
}

const DAY_HOURS = 24;
/** A declared cost is rounded, mostly to one or two digits, and tokens of a day differ by a tenth from those of another. */
const COST_TOLERANCE = 0.25;
/** Of the scale. */
const SCORE_TOLERANCE = 0.02;
/** The best score: the first of these that no declaration and no hour is above. */
const SCALES = [1, 5, 10, 100];
const CALLS_MIN = 20;
/** Fewer at its beginning may be like that by chance, of a version that is off from its first call. */
const HOURS_BEFORE_MIN = 6;
/** What is within is so by the mean of whole days, which have all hours of one. */
const WITHIN_DAYS = [1, 2, 4, 7, 14];
/** After so much more of what it was off by when it was told, it is told again. */
const WORSE_AGAIN = 0.5;
const BISECTIONS = 40;
/** It is asked every hour, and by chance a day of few calls looks like the days before. */
const MARGINS_OF_RETURN = 1.5;

/** `known`: what was concluded before; null: nothing. Where something else is declared now, that counts for nothing. */
export function followBaseline(known: BaselineStatus | null, now: HoursToFollow): BaselineStatus {
  const before = known?.declared === now.declared ? known : null;
  const { series, declared, at, until } = now;
  const status: BaselineStatus = {
    series,
    at,
    until,
    declared,
    state: before?.state ?? 'unknown',
    // A clock may have been ahead.
    comparedFrom: earlierOf(laterOf(now.from, before?.comparedFrom ?? null), until),
    wasWithin: before?.wasWithin ?? false,
    measured: meanOfHours(now.hours),
    change: before?.change ?? null,
  };
  const measure = measureOf(now);
  return measure === null ? status : judged(status, now, measure);
}

/** Takes what is off as normal: it is told again when it is clearly worse than that. */
export function acceptBaseline(status: BaselineStatus, at: Timestamp): BaselineStatus {
  if (status.change === null) return status;
  return { ...status, state: 'accepted', comparedFrom: status.until, change: { ...status.change, acceptedAt: at } };
}

function judged(status: BaselineStatus, now: HoursToFollow, measure: Measure): BaselineStatus {
  const { change } = status;
  if (change !== null) {
    const since = now.hours.filter(({ hour }) => hour >= change.sinceHour);
    if (isWithin(since, now.until, measure, MARGINS_OF_RETURN))
      return within({ ...status, comparedFrom: now.until, change: null });
    const worse = offSince(status, now, measure);
    return worse ?? { ...status, measured: meanOfHours(since) ?? status.measured };
  }
  const off = offSince(status, now, measure);
  if (off !== null) return off;
  const hours = comparedHours(status, now);
  return isWithin(hours, now.until, measure) ? within(status) : { ...status, state: 'unknown' };
}

function within(status: BaselineStatus): BaselineStatus {
  return { ...status, state: 'within', wasWithin: true };
}

function comparedHours({ comparedFrom }: BaselineStatus, { hours }: HoursToFollow): readonly HourOfMean[] {
  return hours.filter(({ hour }) => hour >= comparedFrom);
}

/** Null: it is not certain that it is off, or is worse than was told. */
function offSince(status: BaselineStatus, now: HoursToFollow, measure: Measure): BaselineStatus | null {
  const { change: told } = status;
  const hours = comparedHours(status, now);
  const limit = told === null ? measure.tolerated : limitAfter(told, now.declared, measure);
  const excess = (of: number): readonly ExcessHour[] =>
    hours.map((hour) => ({ of: hour.of, badness: measure.badness(hour.mean, of) }));
  if (logExcess(excess(limit)) < ALARM_LOG_EXCESS) return null;
  const beginning = beginningOf(excess(limit), measure.badness(told?.measured.mean ?? now.declared, limit));
  const since = hours.slice(beginning.at);
  const measured = meanOfHours(since);
  const [{ hour: sinceHour } = { hour: now.until }] = since;
  if (measured === null || measured.of < CALLS_MIN || !measure.isBeyond(measured.mean, limit)) return null;
  // Where many hours come at once, it may be over.
  if (isWithin(since, now.until, measure)) return null;
  const earlier = hours.slice(0, beginning.earliest);
  const change: BaselineChange = {
    between: betweenOf(told === null && !status.wasWithin ? null : status.comparedFrom, hours, beginning),
    sinceHour,
    noticedAt: now.at,
    measured,
    beyond: certainlyBeyond(limit, measured.mean, (of) => logExcess(excess(of)) >= ALARM_LOG_EXCESS),
    callsADay: (measured.of / (millisBetween(sinceHour, now.until) / HOUR_MS)) * DAY_HOURS,
    wasWithin: told?.wasWithin ?? (status.wasWithin || wereWithin(earlier, measure)),
    callsBefore: null,
    callsSince: null,
    acceptedAt: null,
  };
  return { ...status, state: 'off', comparedFrom: now.until, wasWithin: change.wasWithin, measured, change };
}

/** Clearly worse than what was told. */
function limitAfter({ measured: { mean } }: BaselineChange, declared: number, measure: Measure): number {
  const limit = measure.worse(mean, Math.abs(mean - declared) * WORSE_AGAIN);
  return measure.isBeyond(measure.tolerated, limit) ? measure.tolerated : limit;
}

/** An hour before it may have been off in a part, too small to tell. `otherwise`: where there is none. */
function betweenOf(
  otherwise: Timestamp | null,
  hours: readonly HourOfMean[],
  { earliest, latest }: { readonly earliest: number; readonly latest: number },
): TimeInterval {
  const by = addMillis((hours[latest] as HourOfMean).hour, HOUR_MS);
  const before = hours[earliest - 1];
  if (before !== undefined) return [before.hour, by];
  return [otherwise, by];
}

/** The limit farthest from what is declared beyond which the mean still is with certainty. */
function certainlyBeyond(limit: number, mean: number, isCertain: (limit: number) => boolean): number {
  let [certain, uncertain] = [limit, mean];
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (certain + uncertain) / 2;
    if (isCertain(middle)) certain = middle;
    else uncertain = middle;
  }
  return certain;
}

/** By the mean of the last day, or of more of them where that is of too few calls, with its margin. */
function isWithin(hours: readonly HourOfMean[], until: Timestamp, measure: Measure, margins = 1): boolean {
  return WITHIN_DAYS.some((days) => {
    const from = addMillis(until, -days * DAY_HOURS * HOUR_MS);
    const measured = meanOfHours(hours.filter(({ hour }) => hour >= from));
    return measured !== null && isCertainlyWithin(measured, measure, margins);
  });
}

/** Of what was before something else began: that it was near is enough. */
function wereWithin(hours: readonly HourOfMean[], { tolerated, isBeyond }: Measure): boolean {
  const measured = meanOfHours(hours);
  return (
    measured !== null &&
    hours.length >= HOURS_BEFORE_MIN &&
    measured.of >= CALLS_MIN &&
    !isBeyond(measured.mean, tolerated)
  );
}

function isCertainlyWithin(
  { mean, of, margin }: MeasuredMean,
  { tolerated, worse, isBeyond }: Measure,
  margins: number,
): boolean {
  return margin !== null && of >= CALLS_MIN && !isBeyond(worse(mean, margins * margin), tolerated);
}

/** Null: the declaration or the scores are none that could be compared. */
function measureOf({ series, declared, hours }: HoursToFollow): Measure | null {
  if (series.metric === COST_OF_CALL) {
    if (declared <= 0) return null;
    return {
      tolerated: declared * (1 + COST_TOLERANCE),
      badness: (mean, limit) => mean / limit,
      isBeyond: (mean, limit) => mean > limit,
      worse: (mean, by) => mean + by,
    };
  }
  const best = SCALES.find((scale) => declared <= scale && hours.every(({ mean }) => mean <= scale));
  if (best === undefined) return null;
  return {
    tolerated: declared - SCORE_TOLERANCE * best,
    badness: (mean, limit) => (best - mean) / (best - limit),
    isBeyond: (mean, limit) => mean < limit,
    worse: (mean, by) => mean - by,
  };
}
