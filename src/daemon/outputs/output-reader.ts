/**
 * Reads some outputs of each hour that has ended, and keeps what is noted of them. An hour whose calls came late, because
 * the store was away or who sends them was, is read again as far as there is more in it.
 */

import type { OutputLog, SamplesOfHour, SeriesOfHour } from '../../contract/output-log.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { chunks, chunksByWeight } from '../../lib/chunks.ts';
import { counter } from '../../lib/instruments.ts';
import { Slices } from '../../lib/slices.ts';
import { addMillis, DAY_MS, HOUR_MS } from '../../lib/time.ts';
import { featuresOf, FEATURES_ID } from '../../statistics/output-features.ts';
import { endOfEndedHours } from '../ended-hours.ts';

const answersRead = counter({
  name: 'plumbline.outputs_read',
  description: 'Answers of calls that were read, to be compared with those of other hours.',
});

type Noted = readonly Pick<SeriesOfHour, 'series' | 'hour'>[];

export interface OutputReaderOptions {
  readonly outputs: Pick<
    OutputLog,
    'hoursToRead' | 'keepHoursRead' | 'seriesToNote' | 'answers' | 'keepSamples' | 'keepNoted'
  >;
  readonly clock: Clock;
  /** Of hours that are made up for: how many are done, of how many. */
  readonly onProgress: (done: number, of: number) => void;
  /** There may be more series in an hour than are looked at: so many. */
  readonly onCut: (seriesMax: number) => void;
  readonly limits?: Partial<ReadingLimits>;
}

export interface ReadingLimits {
  /** Hours are read together as long as no more rows than this were ever written for them. */
  readonly rowsAtOnce: number;
  readonly hoursAtOnce: number;
  /** As many series as are looked at in an hour. */
  readonly seriesAtOnce: number;
  /** An insert costs as much for few; each takes a kilobyte until then. */
  readonly samplesAtOnce: number;
}

/** Twenty outputs an hour show a change within hours; more of them sooner, at the price of reading them. */
const ANSWERS_OF_HOUR_MAX = 64;
const SERIES_MAX = 2_000;
const READING_LIMITS: ReadingLimits = {
  rowsAtOnce: 50_000,
  hoursAtOnce: 168,
  seriesAtOnce: SERIES_MAX,
  samplesAtOnce: 5_000,
};
/** As much as a first baseline is made of. What comes later than that is not looked at. */
const BACK_MS = 14 * DAY_MS;

export class OutputReader {
  readonly #options: OutputReaderOptions;
  readonly #limits: ReadingLimits;
  /** What came late since then is read with the next hour, with which it is compared. */
  #readUntil: Timestamp | null = null;

  constructor(options: OutputReaderOptions) {
    this.#options = options;
    this.#limits = { ...READING_LIMITS, ...options.limits };
  }

  /** Reads what has not been read, and tells what is noted once it is kept. The hour that ended last. */
  async read(signal: AbortSignal, onNoted: (noted: Noted) => void): Promise<Timestamp> {
    const { outputs, clock, onProgress } = this.#options;
    const until = endOfEndedHours(clock.now());
    if (until !== this.#readUntil) {
      const hours = await outputs.hoursToRead(FEATURES_ID, addMillis(until, -BACK_MS), until);
      const together = { weightMax: this.#limits.rowsAtOnce, itemsMax: this.#limits.hoursAtOnce };
      let done = 0;
      for (const some of chunksByWeight(hours, ({ rows }) => rows, together)) {
        const times = some.map(({ hour }) => hour);
        for (const series of chunks(await this.#toNote(times, signal), this.#limits.seriesAtOnce)) {
          await this.#note(series, signal);
          onNoted(series);
        }
        const read = some.filter(({ isQuiet }) => isQuiet);
        await outputs.keepHoursRead(FEATURES_ID, read);
        done += some.length;
        onProgress(done, hours.length);
      }
      // Until calls come for the first time, there may be older ones among them.
      if (hours.length > 0) this.#readUntil = until;
    }
    return addMillis(until, -HOUR_MS);
  }

  async #toNote(hours: readonly Timestamp[], signal: AbortSignal): Promise<readonly SeriesOfHour[]> {
    signal.throwIfAborted();
    const limits = { answersMax: ANSWERS_OF_HOUR_MAX, seriesMax: SERIES_MAX };
    const { series, isCut } = await this.#options.outputs.seriesToNote(FEATURES_ID, hours, limits);
    if (isCut) this.#options.onCut(SERIES_MAX);
    return series;
  }

  async #note(of: readonly SeriesOfHour[], signal: AbortSignal): Promise<void> {
    const { outputs, clock } = this.#options;
    const slices = new Slices(clock);
    let noted: SamplesOfHour[] = [];
    let samples = 0;
    for await (const piece of outputs.answers(of, ANSWERS_OF_HOUR_MAX)) {
      signal.throwIfAborted();
      for (const { series, hour, answers } of piece) {
        const own = [];
        for (const { output, ...call } of answers) {
          own.push({ ...call, ...featuresOf(output) });
          if (slices.isOver) await slices.next();
        }
        noted.push({ series, hour, samples: own });
        samples += own.length;
        answersRead(own.length);
      }
      if (samples < this.#limits.samplesAtOnce) continue;
      await outputs.keepSamples(FEATURES_ID, noted);
      [noted, samples] = [[], 0];
    }
    await outputs.keepSamples(FEATURES_ID, noted);
    await outputs.keepNoted(
      FEATURES_ID,
      of.map(({ series, hour, calls }) => ({ series, hour, outputs: Math.min(calls, ANSWERS_OF_HOUR_MAX) })),
    );
  }
}
