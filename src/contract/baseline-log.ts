/**
 * What the registry declares of calls of a version (`metrics`), compared with what they show, hour by hour. The
 * judgement of it is `off_baseline`.
 */

import type { TimeInterval, Timestamp } from './time.ts';

/** Which mean of which calls. Models and services are not told apart: the declaration does not do so either. */
export interface BaselineSeries {
  readonly environment: string;
  readonly prompt: string;
  readonly version: string;
  /** As it is called in the registry: `cost_per_call_usd`, `baseline_accuracy`. */
  readonly metric: string;
}

/** The mean of the calls, or scores, of an hour. */
export interface HourOfMean {
  /** The time at which it begins. */
  readonly hour: Timestamp;
  readonly of: number;
  readonly mean: number;
}

export interface SeriesOfMeans {
  readonly series: BaselineSeries;
  /** In order; only those that have a mean. */
  readonly hours: readonly HourOfMean[];
}

export interface MeasuredMean {
  readonly mean: number;
  readonly of: number;
  /** How far off it may be in 19 of 20 cases, by how much hours differ; null where that can't be told. */
  readonly margin: number | null;
}

/** What calls of a period were like, for who asks why they cost something else. */
export interface CallsOfPeriod {
  readonly calls: number;
  readonly errors: number;
  readonly unpricedCalls: number;
  /** Of a call. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of input tokens. */
  readonly cachedShare: number;
  /** `MODEL`, or `MODEL (TIER)`: how many calls; the most frequent first. */
  readonly models: readonly (readonly [model: string, calls: number])[];
}

export interface BaselineChange {
  /** When it began to be off: after the first, by the second. The first is null where it always was. */
  readonly between: TimeInterval;
  /** Calls of this hour and later ones are off. */
  readonly sinceHour: Timestamp;
  readonly noticedAt: Timestamp;
  /** Of the hours since, when it was noticed. */
  readonly measured: MeasuredMean;
  /** The mean is certainly beyond this. */
  readonly beyond: number;
  readonly callsADay: number;
  /** It was within what is declared before. */
  readonly wasWithin: boolean;
  /** Null: there were none, or it was not asked. */
  readonly callsBefore: CallsOfPeriod | null;
  readonly callsSince: CallsOfPeriod | null;
  /** When somebody took it as normal; null: nobody did. */
  readonly acceptedAt: Timestamp | null;
}

/** `unknown`: too few calls to say. `accepted`: off, and somebody resolved the incident about it. */
export const BASELINE_STATES = ['unknown', 'within', 'off', 'accepted'] as const;
export type BaselineState = (typeof BASELINE_STATES)[number];

/** What is known of a series now; the newest is kept. */
export interface BaselineStatus {
  readonly series: BaselineSeries;
  /** When it was judged. */
  readonly at: Timestamp;
  /** Hours before this have been compared. */
  readonly until: Timestamp;
  readonly declared: number;
  readonly state: BaselineState;
  /** Hours from this on are evidence; those before it have led to what is known. */
  readonly comparedFrom: Timestamp;
  /** Whether it ever was within what is declared now. */
  readonly wasWithin: boolean;
  /** Of the last hours that are evidence; while it is off, of those since then. Null: there are none. */
  readonly measured: MeasuredMean | null;
  readonly change: BaselineChange | null;
}

export interface MeansQuery {
  /** Of calls that began in `[from, to)`, which are whole hours. */
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly of: readonly DeclaredMetric[];
  /** At most so many series of costs, and of scores: the busiest. */
  readonly seriesMax: number;
}

export interface DeclaredMetric {
  readonly prompt: string;
  readonly version: string;
  readonly metric: string;
  readonly declared: number;
}

export interface BaselineLog {
  keepStatuses(statuses: readonly BaselineStatus[]): Promise<void>;
  statuses(): Promise<readonly BaselineStatus[]>;
}
