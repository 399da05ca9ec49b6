/** Reads some outputs of each hour that has ended, once, and keeps what is noted of them. */

import type { OutputLog, OutputSample, OutputSeries, SamplesOfHour } from '../../contract/output-log.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { counter } from '../../lib/instruments.ts';
import { Slices } from '../../lib/slices.ts';
import { addMillis, millisFromTimestamp, timestampFromMillis } from '../../lib/time.ts';
import { featuresOf, FEATURES_ID } from '../../statistics/output-features.ts';
import { keyOfSeries } from '../../store/telemetry/output-series.ts';

const answersRead = counter({
  name: 'plumbline.outputs_read',
  description: 'Answers of calls that were read, to be compared with those of other hours.',
});

export interface OutputReaderOptions {
  readonly outputs: Pick<OutputLog, 'readUntil' | 'keepReadUntil' | 'hoursWithCalls' | 'answers' | 'keepSamples'>;
  readonly clock: Clock;
  /** Of hours that are made up for: how many are done, of how many. */
  readonly onProgress: (done: number, of: number) => void;
  /** There may be more series in an hour than are looked at: so many. */
  readonly onCut: (seriesMax: number) => void;
}

/** Twenty outputs an hour show a change within hours; more of them sooner, at the price of reading them. */
const ANSWERS_OF_HOUR_MAX = 64;
const SERIES_MAX = 2_000;
/** What is sent at the end of an hour is there by then; what comes later is not looked at. */
const GRACE_MS = 10 * 60_000;
/** As much as a first baseline is made of. */
const BACK_MS = 14 * 24 * 3_600_000;
const HOUR_MS = 3_600_000;
/** An insert costs as much for few. */
const SAMPLES_KEPT_AT_ONCE = 5_000;
/** Then others have their turn. */
const SLICE_MS = 5;

export class OutputReader {
  readonly #options: OutputReaderOptions;

  constructor(options: OutputReaderOptions) {
    this.#options = options;
  }

  /** Reads what has not been read. The hour that ended last. */
  async read(signal: AbortSignal): Promise<Timestamp> {
    const { outputs, clock } = this.#options;
    const until = beginningOfHour(addMillis(clock.now(), -GRACE_MS));
    const before = await outputs.readUntil();
    const earliest = addMillis(until, -BACK_MS);
    const from = before === null || before < earliest ? earliest : before;
    if (from < until) {
      const hours = await outputs.hoursWithCalls(from, until);
      let noted: SamplesOfHour[] = [];
      for (const [index, hour] of hours.entries()) {
        signal.throwIfAborted();
        this.#options.onProgress(index, hours.length);
        noted.push(...(await this.#readHour(hour)));
        if (noted.reduce((sum, { samples }) => sum + samples.length, 0) < SAMPLES_KEPT_AT_ONCE) continue;
        await outputs.keepSamples(FEATURES_ID, noted);
        await outputs.keepReadUntil(addMillis(hour, HOUR_MS));
        noted = [];
      }
      await outputs.keepSamples(FEATURES_ID, noted);
      // Until calls come for the first time, there may be older ones among them.
      if (before !== null || hours.length > 0) await outputs.keepReadUntil(until);
    }
    return addMillis(until, -HOUR_MS);
  }

  async #readHour(hour: Timestamp): Promise<readonly SamplesOfHour[]> {
    const { outputs, clock } = this.#options;
    const slices = new Slices(clock, SLICE_MS);
    const noted = new Map<string, { readonly series: OutputSeries; readonly samples: OutputSample[] }>();
    for await (const piece of outputs.answers(hour, ANSWERS_OF_HOUR_MAX, SERIES_MAX)) {
      for (const { series, answers } of piece) {
        const key = keyOfSeries(series);
        const samples = noted.get(key)?.samples ?? [];
        noted.set(key, { series, samples });
        for (const { output, ...of } of answers) {
          samples.push({ ...of, ...featuresOf(output) });
          if (slices.isOver) await slices.next();
        }
      }
    }
    if (noted.size >= SERIES_MAX) this.#options.onCut(SERIES_MAX);
    for (const { samples } of noted.values()) answersRead(samples.length);
    return [...noted.values()].map((of) => ({ ...of, hour }));
  }
}

function beginningOfHour(time: Timestamp): Timestamp {
  return timestampFromMillis(Math.floor(millisFromTimestamp(time) / HOUR_MS) * HOUR_MS);
}
