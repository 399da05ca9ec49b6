/**
 * Compares the outputs of series with what they were: learns a baseline, counts what came since, and decides whether it
 * changed, or is as before again. What it knows is in the store: any replica may judge the next hour.
 */

import type {
  HourOfCounts,
  HourOfSamples,
  OutputBaseline,
  OutputLog,
  OutputSeries,
  OutputStatus,
  SeriesExtent,
  SeriesSince,
  SumsOfCounts,
} from '../../contract/output-log.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { chunks } from '../../lib/chunks.ts';
import { Slices } from '../../lib/slices.ts';
import { addMillis, DAY_MS, earlierOf, HOUR_MS, laterOf, millisBetween } from '../../lib/time.ts';
import { baselineOf } from '../../statistics/output-baseline.ts';
import { countOutputs, offsetsOf } from '../../statistics/bins.ts';
import { ALARM_LOG_SCORE, scan, WINDOW_HOURS } from '../../statistics/change-scan.ts';
import { FEATURES_ID } from '../../statistics/output-features.ts';
import { sumOfRows } from '../../statistics/sum-of-rows.ts';
import { keyOfSeries } from '../../store/telemetry/output-series.ts';
import { OUTPUTS } from './compared-features.ts';
import { changeFound, LOOKED_AT_HOURS, returnedSince, type ComparedSeries } from './output-change.ts';

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
  /** The first hour of which more was noted since it was judged; null: none, or that is not known. */
  readonly notedFrom: Timestamp | null;
}

interface ToCompare extends Pick<SeriesToJudge, 'notedFrom'> {
  readonly status: OutputStatus;
  readonly baseline: OutputBaseline;
}

interface Compared {
  readonly status: OutputStatus;
  /** That takes the place of the one that it was compared with. */
  readonly baseline: OutputBaseline | null;
}

interface ToCount extends SeriesSince {
  readonly baseline: OutputBaseline;
}

type Learning = NonNullable<OutputStatus['learning']>;

/** A week has all hours and days of one; fewer outputs tell no distribution. */
const LEARNING_MS = 7 * DAY_MS;
const LEARNING_OUTPUTS = 300;
/** Then the earlier half joins the baseline. */
const HOURS_COMPARED_MAX = 2 * LOOKED_AT_HOURS;
/** Of all series together, each with up to 64 outputs an hour: ten megabytes. */
const HOURS_COUNTED_AT_ONCE = 300;
/** Of what is accepted as the new normal: how much its hours vary is known from before. */
const ACCEPTED_OUTPUTS = 100;

export class OutputJudge {
  readonly #options: OutputJudgeOptions;

  constructor(options: OutputJudgeOptions) {
    this.#options = options;
  }

  async #baselines(series: readonly OutputSeries[]): Promise<ReadonlyMap<string, OutputBaseline>> {
    const stored = await this.#options.outputs.baselines(series);
    const ofNow = stored.filter(({ featuresId }) => featuresId === FEATURES_ID);
    return new Map(ofNow.map((one) => [keyOfSeries(one.series), one]));
  }

  /** Some series at a time, after `hour` was read. What is known of each now is stored when it resolves. */
  async judge(series: readonly SeriesToJudge[], hour: Timestamp): Promise<readonly OutputStatus[]> {
    const { outputs } = this.#options;
    const baselines = await this.#baselines(series.map(({ extent }) => extent.series));
    const statuses: OutputStatus[] = [];
    const compared: ToCompare[] = [];
    const learned: OutputBaseline[] = [];
    for (const { extent, known: before, notedFrom } of series) {
      const previous = baselines.get(keyOfSeries(extent.series)) ?? null;
      const status = await this.#current(extent, before, previous);
      const { learning: task } = status;
      const known = task === null ? previous : await this.#learn(status.series, task, previous, hour);
      if (known === null || !('bins' in known)) statuses.push({ ...status, learning: known });
      else if (task === null) compared.push({ status, baseline: known, notedFrom });
      else {
        learned.push(known);
        compared.push({ status: watching(known, status), baseline: known, notedFrom });
      }
    }
    await outputs.keepBaselines(learned);
    const counted = await this.#counted(compared, hour);
    const slices = new Slices(this.#options.clock);
    const followed: OutputBaseline[] = [];
    for (const [index, { status, baseline }] of compared.entries()) {
      const judged = await this.#compare(status, baseline, counted[index] as SumsOfCounts, hour);
      statuses.push(judged.status);
      if (judged.baseline !== null) followed.push(judged.baseline);
      if (slices.isOver) await slices.next();
    }
    await outputs.keepBaselines(followed);
    await outputs.keepStatuses(statuses);
    return statuses;
  }

  /** What was known, brought up to now. */
  async #current(
    { series, firstHour, lastHour, outputs }: SeriesExtent,
    known: OutputStatus | null,
    baseline: OutputBaseline | null,
  ): Promise<OutputStatus> {
    const now = { series, lastHour, at: this.#options.clock.now() };
    if (baseline === null) {
      const until = addMillis(firstHour, LEARNING_MS);
      return learning(now, { since: firstHour, outputs, outputsNeeded: LEARNING_OUTPUTS, until });
    }
    if (known === null) return watching(baseline, now);
    if (known.change !== null && (await this.#options.isAccepted(known))) {
      const { sinceHour } = known.change;
      return learning(now, { since: sinceHour, outputs: 0, outputsNeeded: ACCEPTED_OUTPUTS, until: sinceHour });
    }
    return { ...known, ...now };
  }

  /**
   * A baseline of the first outputs that are enough: what came later is compared with them, also where all of it was
   * read at once. Or how many there are. `previous`: of what was normal until something else was accepted as that.
   */
  async #learn(
    series: OutputSeries,
    task: Learning,
    previous: OutputBaseline | null,
    hour: Timestamp,
  ): Promise<OutputBaseline | Learning> {
    const end = addMillis(hour, HOUR_MS);
    if (end < task.until || (previous === null && task.outputs < task.outputsNeeded)) return task;
    const { outputs, clock } = this.#options;
    const [hours = []] = await outputs.samples([{ series, from: task.since }], FEATURES_ID, end);
    const until = enoughAt(hours, task);
    if (until === null) return { ...task, outputs: outputsOf(hours) };
    const reference = { series, madeAt: clock.now(), from: task.since, until, hours };
    return baselineOf(previous === null ? reference : { ...reference, overdispersionMin: previous.overdispersion });
  }

  /** All that was compared with each of these baselines, with what was noted since the last time. */
  async #counted(compared: readonly ToCompare[], hour: Timestamp): Promise<readonly SumsOfCounts[]> {
    const { outputs } = this.#options;
    const sums = await outputs.sums(
      compared.map(({ baseline }) => baseline),
      hour,
      WINDOW_HOURS,
    );
    const toCount = compared.map(({ baseline, notedFrom }, index): ToCount => {
      const lastHour = sums[index]?.lastHour ?? null;
      const next = lastHour === null ? baseline.comparedFrom : addMillis(lastHour, HOUR_MS);
      const from = notedFrom === null ? next : laterOf(earlierOf(next, notedFrom), baseline.comparedFrom);
      return { baseline, series: baseline.series, from };
    });
    const now = await this.#count(
      toCount.filter(({ from }) => from === hour),
      hour,
    );
    const behind = toCount.filter(({ from }) => from < hour);
    for (const [from, some] of Map.groupBy(behind, (one) => one.from)) {
      const hours = millisBetween(from, hour) / HOUR_MS + 1;
      const together = Math.max(1, Math.floor(HOURS_COUNTED_AT_ONCE / hours));
      for (const few of chunks(some, together)) await this.#count(few, hour);
    }
    const again = await outputs.sums(
      behind.map(({ baseline }) => baseline),
      hour,
      WINDOW_HOURS,
    );
    const recounted = new Map(behind.map((one, index) => [one, again[index] as SumsOfCounts]));
    return sums.map((known, index) => {
      const one = toCount[index] as ToCount;
      return recounted.get(one) ?? withHour(known, now.get(one)?.at(-1)?.counts ?? []);
    });
  }

  /** Counts what was noted in hours up to this one, in the bins of each baseline. */
  async #count(of: readonly ToCount[], hour: Timestamp): Promise<ReadonlyMap<ToCount, readonly HourOfCounts[]>> {
    const { outputs } = this.#options;
    const features = await outputs.features(of, FEATURES_ID, addMillis(hour, HOUR_MS));
    const counted = of.map(({ baseline }, index) => {
      const hours = (features[index] ?? []).map((one) => {
        return { hour: one.hour, outputs: one.outputs.length, counts: countOutputs(baseline.bins, one.outputs) };
      });
      return { baseline, hours };
    });
    await outputs.keepCounts(counted);
    return new Map(of.map((one, index) => [one, counted[index]?.hours ?? []]));
  }

  async #compare(
    status: OutputStatus,
    baseline: OutputBaseline,
    { all: since, windows }: SumsOfCounts,
    hour: Timestamp,
  ): Promise<Compared> {
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
    if (found.logScore < ALARM_LOG_SCORE)
      return hours < HOURS_COMPARED_MAX ? { status: judged, baseline: null } : await this.#shortened(judged, compared);
    const change = await changeFound(this.#options.outputs, compared, found, this.#options.clock.now());
    return { status: { ...judged, state: 'changed', change }, baseline: null };
  }

  /** What is long past joins the baseline as a sum, so that no hour's comparing goes through all hours before. */
  async #shortened(status: OutputStatus, { baseline, hour, all }: ComparedSeries): Promise<Compared> {
    const comparedFrom = addMillis(hour, -LOOKED_AT_HOURS * HOUR_MS);
    const apart = (await this.#options.outputs.counts(baseline, comparedFrom)).map(({ counts }) => counts);
    const kept = sumOfRows(apart, all.length);
    const shorter = { ...baseline, comparedFrom, counts: all.map((count, bin) => count - (kept[bin] as number)) };
    return { status: { ...watching(shorter, status), log10Score: status.log10Score }, baseline: shorter };
  }

  async #stillChanged(
    status: OutputStatus,
    change: NonNullable<OutputStatus['change']>,
    compared: ComparedSeries,
  ): Promise<Compared> {
    const { outputs, clock } = this.#options;
    const returned = await returnedSince(outputs, compared, change);
    if (returned === null) return { status, baseline: null };
    const { baseline } = compared;
    const again = { ...baseline, madeAt: clock.now(), comparedFrom: returned.hour, counts: returned.before };
    // What came since the return is counted in the same bins.
    const counts = await outputs.counts(baseline, returned.hour);
    await outputs.keepCounts([{ baseline: again, hours: counts }]);
    return { status: watching(again, status), baseline: again };
  }
}

type Now = Pick<OutputStatus, 'series' | 'at' | 'lastHour'>;

function learning({ series, at, lastHour }: Now, task: Learning): OutputStatus {
  return { series, at, state: 'learning', lastHour, learning: task, baseline: null, log10Score: null, change: null };
}

function watching(baseline: OutputBaseline, { series, at, lastHour }: Now): OutputStatus {
  const { madeAt, from, until, outputs, comparedFrom } = baseline;
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

function outputsOf(hours: readonly HourOfSamples[]): number {
  return hours.reduce((sum, { samples }) => sum + samples.length, 0);
}

/** The end of the hour with which there are enough; null: there are not. */
function enoughAt(hours: readonly HourOfSamples[], { outputsNeeded, until }: Learning): Timestamp | null {
  let outputs = 0;
  for (const { hour, samples } of hours) {
    outputs += samples.length;
    if (outputs >= outputsNeeded) return laterOf(addMillis(hour, HOUR_MS), until);
  }
  return null;
}

/** With the counts of the last hour, which all windows have. */
function withHour(sums: SumsOfCounts, counts: readonly number[]): SumsOfCounts {
  const added = (known: readonly number[]): readonly number[] => sumOfRows([known, counts], known.length);
  return { ...sums, all: added(sums.all), windows: sums.windows.map(added) };
}
