/**
 * Compares the outputs of series with what they were: learns a baseline, counts what came since, and decides whether it
 * changed, or is as before again. What it knows is in the store: any replica may judge the next hour.
 */

import type {
  HourOfCounts,
  OutputBaseline,
  OutputLog,
  OutputSeries,
  OutputStatus,
  SeriesExtent,
  SumsOfCounts,
} from '../../contract/output-log.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { addMillis, millisBetween } from '../../lib/time.ts';
import { baselineOf } from '../../statistics/baseline.ts';
import { countOutputs, offsetsOf } from '../../statistics/bins.ts';
import { ALARM_LOG_SCORE, scan, WINDOW_HOURS } from '../../statistics/change-scan.ts';
import { FEATURES_ID } from '../../statistics/output-features.ts';
import { sumOfRows } from '../../statistics/sum-of-rows.ts';
import { keyOfSeries } from '../../store/telemetry/output-series.ts';
import { OUTPUTS } from './compared-features.ts';
import { changeFound, returnedSince, type ComparedSeries } from './output-change.ts';

export interface OutputJudgeOptions {
  readonly outputs: OutputLog;
  readonly clock: Clock;
  /** Whether a person closed the incident about this change: what is there now is the new normal. */
  readonly isAccepted: (status: OutputStatus) => Promise<boolean>;
}

export interface SeriesToJudge {
  readonly extent: SeriesExtent;
  /** What was known of it. */
  readonly known: OutputStatus | null;
}

type Learning = NonNullable<OutputStatus['learning']>;

const HOUR_MS = 3_600_000;
/** A week has all hours and days of one; fewer outputs tell no distribution. */
const LEARNING_MS = 7 * 24 * HOUR_MS;
const LEARNING_OUTPUTS = 300;
/** Of what is accepted as the new normal: how much its hours vary is known from before. */
const ACCEPTED_OUTPUTS = 100;
/** A baseline is made of no more. */
const LEARNED_FROM_MS = 14 * 24 * HOUR_MS;

export class OutputJudge {
  readonly #options: OutputJudgeOptions;

  constructor(options: OutputJudgeOptions) {
    this.#options = options;
  }

  /** Some series at a time, after `hour` was read. What is known of each now is stored when it resolves. */
  async judge(series: readonly SeriesToJudge[], hour: Timestamp): Promise<readonly OutputStatus[]> {
    const { outputs } = this.#options;
    const stored = await outputs.baselines(series.map(({ extent }) => extent.series));
    const baselines = new Map(
      stored.filter(({ featuresId }) => featuresId === FEATURES_ID).map((one) => [keyOfSeries(one.series), one]),
    );
    const statuses: OutputStatus[] = [];
    const compared: { readonly status: OutputStatus; readonly baseline: OutputBaseline }[] = [];
    for (const { extent, known } of series) {
      const baseline = baselines.get(keyOfSeries(extent.series)) ?? null;
      const status = await this.#current(extent, known, baseline);
      if (baseline !== null && status.learning === null) compared.push({ status, baseline });
      else statuses.push(await this.#learn(status, extent, baseline, hour));
    }
    const counted = await this.#counted(
      compared.map(({ baseline }) => baseline),
      hour,
    );
    for (const [index, { status, baseline }] of compared.entries())
      statuses.push(await this.#compare(status, baseline, counted[index] as SumsOfCounts, hour));
    await outputs.keepStatuses(statuses);
    return statuses;
  }

  /** What was known, brought up to now. */
  async #current(
    { series, firstHour, lastHour, outputs }: SeriesExtent,
    known: OutputStatus | null,
    baseline: OutputBaseline | null,
  ): Promise<OutputStatus> {
    const at = this.#options.clock.now();
    const task = { since: firstHour, outputs, outputsNeeded: LEARNING_OUTPUTS };
    const first = { ...task, until: addMillis(firstHour, LEARNING_MS) };
    if (baseline === null) return learning(series, lastHour, at, known?.learning ?? first);
    if (known === null) return watching(baseline, lastHour, at);
    if (known.change !== null && (await this.#options.isAccepted(known))) {
      const { sinceHour } = known.change;
      return learning(series, lastHour, at, {
        since: sinceHour,
        outputs: 0,
        outputsNeeded: ACCEPTED_OUTPUTS,
        until: at,
      });
    }
    return { ...known, at, lastHour };
  }

  /** `previous`: the baseline of what was normal until something else was accepted as that. */
  async #learn(
    status: OutputStatus,
    extent: SeriesExtent,
    previous: OutputBaseline | null,
    hour: Timestamp,
  ): Promise<OutputStatus> {
    const { learning: task, series } = status;
    if (task === null) return status;
    const { outputs, clock } = this.#options;
    const until = addMillis(hour, HOUR_MS);
    if (previous === null && until < task.until) return { ...status, learning: { ...task, outputs: extent.outputs } };
    const longAgo = addMillis(until, -LEARNED_FROM_MS);
    const from = task.since < longAgo ? longAgo : task.since;
    const [hours = []] = await outputs.samples([{ series, from }], FEATURES_ID, until);
    const count = hours.reduce((sum, { samples }) => sum + samples.length, 0);
    if (count < task.outputsNeeded) return { ...status, learning: { ...task, outputs: count } };
    const overdispersionMin = previous === null ? {} : { overdispersionMin: previous.overdispersion };
    const baseline = baselineOf({ series, madeAt: clock.now(), from, until, hours, ...overdispersionMin });
    await outputs.keepBaseline(baseline);
    return watching(baseline, status.lastHour, status.at);
  }

  /** All that was compared with each of these baselines, with what came since the last time. */
  async #counted(baselines: readonly OutputBaseline[], hour: Timestamp): Promise<readonly SumsOfCounts[]> {
    const { outputs } = this.#options;
    const sums = await outputs.sums(baselines, hour, WINDOW_HOURS);
    const since = sums.map(({ series, lastHour }, index) => {
      const { comparedFrom } = baselines[index] as OutputBaseline;
      return { series, from: lastHour === null ? comparedFrom : addMillis(lastHour, HOUR_MS) };
    });
    const samples = await outputs.samples(since, FEATURES_ID, addMillis(hour, HOUR_MS));
    const counted: SumsOfCounts[] = [];
    for (const [index, baseline] of baselines.entries()) {
      const rows = (samples[index] ?? []).map((of): HourOfCounts => {
        return { hour: of.hour, outputs: of.samples.length, counts: countOutputs(baseline.bins, of.samples) };
      });
      await outputs.keepCounts(baseline, rows);
      counted.push(withNew(sums[index] as SumsOfCounts, rows, hour));
    }
    return counted;
  }

  async #compare(
    status: OutputStatus,
    baseline: OutputBaseline,
    { all: since, windows }: SumsOfCounts,
    hour: Timestamp,
  ): Promise<OutputStatus> {
    const all = sumOfRows([baseline.counts, since], baseline.counts.length);
    const compared = { baseline, hour, all };
    if (status.change !== null) return this.#stillChanged(status, status.change, compared);
    const hours = millisBetween(baseline.comparedFrom, hour) / HOUR_MS + 1;
    const found = scan(
      {
        offsets: offsetsOf(baseline.bins),
        overdispersion: baseline.overdispersion,
        all,
        windows: windows.filter((_, index) => (WINDOW_HOURS[index] as number) <= hours),
      },
      OUTPUTS,
    );
    const judged = { ...status, log10Score: Number.isFinite(found.logScore) ? found.logScore / Math.LN10 : null };
    if (found.logScore < ALARM_LOG_SCORE) return judged;
    const change = await changeFound(this.#options.outputs, compared, found, this.#options.clock.now());
    return { ...judged, state: 'changed', change };
  }

  async #stillChanged(
    status: OutputStatus,
    change: NonNullable<OutputStatus['change']>,
    compared: ComparedSeries,
  ): Promise<OutputStatus> {
    const { outputs, clock } = this.#options;
    const returned = await returnedSince(outputs, compared, change);
    if (returned === null) return status;
    const { baseline } = compared;
    const again = { ...baseline, madeAt: clock.now(), comparedFrom: returned.hour, counts: returned.before };
    // What came since the return is counted in the same bins.
    const counts = await outputs.counts(baseline, returned.hour);
    await outputs.keepBaseline(again);
    await outputs.keepCounts(again, counts);
    return watching(again, status.lastHour, status.at);
  }
}

function learning(series: OutputSeries, lastHour: Timestamp, at: Timestamp, task: Learning): OutputStatus {
  return { series, at, state: 'learning', lastHour, learning: task, baseline: null, log10Score: null, change: null };
}

function watching(baseline: OutputBaseline, lastHour: Timestamp, at: Timestamp): OutputStatus {
  const { series, madeAt, from, until, outputs, comparedFrom } = baseline;
  return {
    series,
    at,
    state: 'watching',
    lastHour,
    learning: null,
    baseline: { madeAt, from, until, outputs, comparedFrom },
    log10Score: null,
    change: null,
  };
}

function withNew(sums: SumsOfCounts, rows: readonly HourOfCounts[], hour: Timestamp): SumsOfCounts {
  const added = (known: readonly number[], since: Timestamp | null): readonly number[] => {
    const own = rows.flatMap((row) => (since === null || row.hour >= since ? [row.counts] : []));
    return sumOfRows([known, ...own], known.length);
  };
  const windows = sums.windows.map((window, index) =>
    added(window, addMillis(hour, (1 - (WINDOW_HOURS[index] as number)) * HOUR_MS)),
  );
  return { ...sums, all: added(sums.all, null), windows };
}
