/**
 * Looks, after each hour, whether the answers of each version and model are distributed as they were, and hands on what
 * is found. How it is found out stands beside this file; here is when, of which series, and what becomes of it.
 */

import type { NotedHour, OutputLog, SeriesExtent } from '../../contract/output-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { calledNoMoreBy } from '../../drift/still-called.ts';
import type { Finding } from '../../incidents/lifecycle.ts';
import { chunks } from '../../lib/chunks.ts';
import { forEachConcurrently } from '../../lib/limits.ts';
import { addMillis, DAY_MS, earlierOf, laterOf } from '../../lib/time.ts';
import type { Log } from '../../observability/log.ts';
import { FEATURES_ID } from '../../statistics/output-features.ts';
import { keyOfSeries } from '../../store/telemetry/output-series.ts';
import type { ScheduledLook } from '../scheduled-look.ts';
import { OutputIncidents, type OutputIncidentsOptions } from './output-incidents.ts';
import { OutputJudge, type SeriesToJudge } from './output-judge.ts';
import { OutputReader } from './output-reader.ts';

export interface OutputWatchOptions extends OutputIncidentsOptions {
  readonly outputs: OutputLog;
  readonly log: Log;
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
}

/** Series that were not used for so long are not looked at. */
const USED_WITHIN_MS = 30 * DAY_MS;
const SERIES_AT_ONCE = 100;
/** While some are compared, the store adds up the next. */
const JUDGED_AT_ONCE = 2;
/** Fewer hours are read before anybody asks what takes so long. */
const TOLD_HOURS_MIN = 24;
const TOLD_EVERY_HOURS = 48;

export class OutputWatch implements ScheduledLook {
  readonly name = 'output-watch';
  readonly job = 'judge-outputs';
  /** More often than there is an hour to read: what failed is tried again soon. */
  readonly everyMs = 600_000;
  readonly #options: OutputWatchOptions;
  readonly #reader: OutputReader;
  readonly #judge: OutputJudge;
  readonly #incidents: OutputIncidents;
  /** By series, until it is judged. A start takes hours that came after those that were counted. */
  readonly #notedFrom = new Map<string, Timestamp>();
  #wasCut = false;
  #toldHours = 0;

  constructor(options: OutputWatchOptions) {
    this.#options = options;
    this.#reader = new OutputReader({
      ...options,
      onProgress: (done, of) => this.#tell(done, of),
      onCut: (seriesMax) => this.#tellCut(seriesMax),
    });
    this.#incidents = new OutputIncidents(options);
    this.#judge = new OutputJudge({ ...options, isAccepted: (status) => this.#incidents.isAccepted(status) });
  }

  /** Reads the hours that ended since the last time, and judges what is new in them. */
  async look(signal: AbortSignal): Promise<void> {
    const { outputs, onFindings } = this.#options;
    const hour = await this.#reader.read(signal, (noted) => this.#remember(noted));
    await this.#incidents.read();
    const extents = await outputs.extents(FEATURES_ID, addMillis(hour, -USED_WITHIN_MS));
    const called = stillCalled(extents);
    const toJudge = chunks(await this.#toJudge(called), SERIES_AT_ONCE);
    await forEachConcurrently(toJudge, JUDGED_AT_ONCE, async (series) => {
      signal.throwIfAborted();
      const statuses = await this.#judge.judge(series, hour);
      const findings: Finding[] = [];
      for (const status of statuses) findings.push(await this.#incidents.finding(status));
      await onFindings(findings);
    });
    this.#notedFrom.clear();
    // Nothing is known of any: nobody listened.
    if (called.length > 0) await this.#incidents.retireOthers(called, extents);
  }

  #remember(noted: readonly Pick<NotedHour, 'series' | 'hour'>[]): void {
    for (const { series, hour } of noted) {
      const key = keyOfSeries(series);
      this.#notedFrom.set(key, earlierOf(hour, this.#notedFrom.get(key) ?? hour));
    }
  }

  /** Those with outputs that were not judged; and those that changed, of which an incident is to be opened, or was closed. */
  async #toJudge(called: readonly SeriesExtent[]): Promise<readonly SeriesToJudge[]> {
    const statuses = await this.#options.outputs.statuses();
    const known = new Map(statuses.map((status) => [keyOfSeries(status.series), status]));
    return called.flatMap((extent) => {
      const status = known.get(keyOfSeries(extent.series)) ?? null;
      const notedFrom = this.#notedFrom.get(keyOfSeries(extent.series)) ?? null;
      const isNew = notedFrom !== null || status === null || extent.lastHour > status.lastHour;
      const isOpen = status?.state === 'changed' && !this.#incidents.isTold(extent.series);
      return isNew || isOpen ? { extent, known: status, notedFrom } : [];
    });
  }

  #tellCut(seriesMax: number): void {
    if (this.#wasCut) return;
    this.#wasCut = true;
    const message =
      'there are more versions and models in an hour than answers are read of; those with the fewest calls are left out';
    this.#options.log.warn({ seriesMax }, message);
  }

  #tell(done: number, of: number): void {
    if (done < this.#toldHours) this.#toldHours = 0;
    if (of < TOLD_HOURS_MIN || done - this.#toldHours < TOLD_EVERY_HOURS) return;
    this.#toldHours = done;
    this.#options.log.info({ hours: of, read: done }, 'reading what was answered in the hours that were not looked at');
  }
}

/** Without those that had no answers for long while others had. */
function stillCalled(extents: readonly SeriesExtent[]): readonly SeriesExtent[] {
  const newest = extents.reduce<Timestamp | null>((last, { lastHour }) => laterOf(lastHour, last), null);
  if (newest === null) return [];
  const noMoreBy = calledNoMoreBy(newest);
  return extents.filter(({ lastHour }) => lastHour > noMoreBy);
}
