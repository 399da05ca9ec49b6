/**
 * Looks, after each hour, whether the answers of each version and model are distributed as they were, and hands on what
 * is found. How it is found out stands beside this file; here is when, of which series, and what becomes of it.
 */

import type { Component } from '../../contract/component.ts';
import type { NotedHour, OutputLog, OutputOf, OutputStatus } from '../../contract/output-log.ts';
import type { Queue } from '../../contract/queue.ts';
import type { IncidentLog } from '../../contract/store.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { judgeOutputs, type OutputExamples } from '../../drift/judge-outputs.ts';
import { fingerprintOf } from '../../incidents/fingerprint.ts';
import type { Finding } from '../../incidents/lifecycle.ts';
import { chunks } from '../../lib/chunks.ts';
import { addMillis, earlierOf } from '../../lib/time.ts';
import type { Log } from '../../observability/log.ts';
import { FEATURES_ID } from '../../statistics/output-features.ts';
import { keyOfSeries } from '../../store/telemetry/output-series.ts';
import type { RegistryView } from '../registry/registry-view.ts';
import { OutputJudge, type SeriesToJudge } from './output-judge.ts';
import { OutputReader } from './output-reader.ts';

export interface OutputWatchOptions {
  readonly outputs: OutputLog;
  readonly incidents: Pick<IncidentLog, 'newestWithFingerprint'>;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: () => RegistryView;
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
}

const JOB = 'judge-outputs';
/** More often than there is an hour to read: what failed is tried again soon. */
const EVERY_MS = 600_000;
/** Series that were not used for so long are not looked at. */
const USED_WITHIN_MS = 30 * 24 * 3_600_000;
const SERIES_AT_ONCE = 100;
/** Fewer hours are read before anybody asks what takes so long. */
const TOLD_HOURS_MIN = 24;
const TOLD_EVERY_HOURS = 48;

export class OutputWatch implements Component {
  readonly name = 'output-watch';
  readonly #options: OutputWatchOptions;
  readonly #reader: OutputReader;
  readonly #judge: OutputJudge;
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
    this.#judge = new OutputJudge({ ...options, isAccepted: (status) => this.#isAccepted(status) });
    options.queue.handle(JOB, 1, ({ signal }) => this.look(signal));
  }

  start(): Promise<void> {
    this.#options.queue.every(JOB, 'all', EVERY_MS, {});
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#options.queue.cancel(JOB, 'all');
    return Promise.resolve();
  }

  /** Reads the hours that ended since the last time, and judges what is new in them. */
  async look(signal: AbortSignal): Promise<void> {
    const hour = await this.#reader.read(signal, (noted) => this.#remember(noted));
    for (const series of chunks(await this.#toJudge(hour), SERIES_AT_ONCE)) {
      signal.throwIfAborted();
      const statuses = await this.#judge.judge(series, hour);
      const findings: Finding[] = [];
      for (const status of statuses) findings.push(await this.#finding(status));
      await this.#options.onFindings(findings);
      for (const { extent } of series) this.#notedFrom.delete(keyOfSeries(extent.series));
    }
  }

  #remember(noted: readonly Pick<NotedHour, 'series' | 'hour'>[]): void {
    for (const { series, hour } of noted) {
      const key = keyOfSeries(series);
      this.#notedFrom.set(key, earlierOf(hour, this.#notedFrom.get(key) ?? hour));
    }
  }

  /** Those with outputs that were not judged; and those that changed, which somebody may have accepted since. */
  async #toJudge(hour: Timestamp): Promise<readonly SeriesToJudge[]> {
    const { outputs } = this.#options;
    const known = new Map((await outputs.statuses()).map((status) => [keyOfSeries(status.series), status]));
    const extents = await outputs.extents(FEATURES_ID, addMillis(hour, -USED_WITHIN_MS));
    return extents.flatMap((extent) => {
      const status = known.get(keyOfSeries(extent.series)) ?? null;
      const notedFrom = this.#notedFrom.get(keyOfSeries(extent.series)) ?? null;
      const isNew = notedFrom !== null || status === null || extent.lastHour > status.lastHour;
      return isNew || status.state === 'changed' ? { extent, known: status, notedFrom } : [];
    });
  }

  async #finding(status: OutputStatus): Promise<Finding> {
    const { series, change } = status;
    const registry = this.#options.registry();
    const version = registry.version(series.prompt, series.version);
    const examples = change === null ? undefined : await this.#examples(change.examplesBefore, change.examplesSince);
    return {
      judgement: judgeOutputs(status, version, examples),
      owner: version?.owner ?? registry.ownerOf(series.prompt),
    };
  }

  async #examples(before: readonly OutputOf[], since: readonly OutputOf[]): Promise<OutputExamples> {
    const texts = await this.#options.outputs.texts([...before, ...since]);
    const known = new Map(texts.map(({ traceId, spanId, text }) => [`${traceId}/${spanId}`, text]));
    const textsOf = (some: readonly OutputOf[]): readonly string[] =>
      some.flatMap(({ traceId, spanId }) => known.get(`${traceId}/${spanId}`) ?? []);
    return { before: textsOf(before), since: textsOf(since) };
  }

  /** While outputs are as they changed, nobody but a person resolves the incident. */
  async #isAccepted(status: OutputStatus): Promise<boolean> {
    const version = this.#options.registry().version(status.series.prompt, status.series.version);
    const fingerprint = fingerprintOf(judgeOutputs(status, version));
    const incident = await this.#options.incidents.newestWithFingerprint(fingerprint);
    const resolvedAt = incident?.status === 'resolved' ? incident.resolvedAt : null;
    return resolvedAt !== null && status.change !== null && resolvedAt > status.change.noticedAt;
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
