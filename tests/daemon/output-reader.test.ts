/** What is noted of the answers of many hours: the same, however many of them are read together, and however late they came. */

import { beforeAll, describe, expect, test } from 'vitest';
import type { HourOfSamples, OutputLog, SeriesOfHour } from '../../src/contract/output-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { OutputReader, type ReadingLimits } from '../../src/daemon/outputs/output-reader.ts';
import { compareText } from '../../src/lib/compare.ts';
import { addMillis } from '../../src/lib/time.ts';
import { FEATURES_ID } from '../../src/statistics/output-features.ts';
import { createOutputLog } from '../../src/store/telemetry/output-log.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { outputText } from '../support/generated-outputs.ts';
import { seededRandom } from '../support/random.ts';
import { storedCall } from '../support/stored-calls.ts';
import { TurnableClock } from '../support/turnable-clock.ts';

const HOUR_MS = 3_600_000;
const START = '2026-11-02T00:00:00.000000000Z' as Timestamp;
const hourAt = (hour: number): Timestamp => addMillis(START, hour * HOUR_MS);
const { signal } = new AbortController();
type Noted = Pick<SeriesOfHour, 'series' | 'hour'>;

interface CallOfHour {
  readonly hour: number;
  readonly row: object;
}

/** Calls of three versions: few, more than are read of an hour, and some in some hours. */
function callsOf(hours: number, seed = 5): readonly CallOfHour[] {
  const random = seededRandom(seed);
  let id = seed * 1_000_000;
  return Array.from({ length: hours }, (_, hour) => hour).flatMap((hour) => {
    const counts: readonly (readonly [string, number])[] = [
      ['1', 3],
      ['2', 90 + random.below(40)],
      ['3', hour % 5 === 0 ? 20 : 0],
    ];
    return counts.flatMap(([version, count]) =>
      Array.from({ length: count }, () => {
        id += 1;
        const said = [{ role: 'assistant', parts: [{ type: 'text', text: outputText('careful', random) }] }];
        const more = { operation: 'chat', request_model: 'model-a', output: JSON.stringify(said), output_tokens: 9 };
        return { row: storedCall(id, addMillis(hourAt(hour), random.below(HOUR_MS)), version, more), hour };
      }),
    );
  });
}

class Place {
  readonly clock = new TurnableClock(START);
  readonly outputs: OutputLog;
  readonly noted: Noted[] = [];
  readonly #opened: OpenStore;
  #nowHour = 0;

  static async open(): Promise<Place> {
    return new Place(await openStore());
  }

  constructor(opened: OpenStore) {
    this.#opened = opened;
    this.outputs = createOutputLog(opened.database, opened.texts, 0);
  }

  close(): Promise<void> {
    return this.#opened.database.close();
  }

  async write(calls: readonly CallOfHour[]): Promise<void> {
    if (calls.length > 0)
      await this.#opened.database.insert(
        'invocations',
        calls.map(({ row }) => row),
      );
  }

  reader(limits: Partial<ReadingLimits> = {}): OutputReader {
    const { outputs, clock } = this;
    return new OutputReader({ outputs, clock, limits, onProgress: () => undefined, onCut: () => undefined });
  }

  async read(reader: OutputReader): Promise<Timestamp> {
    return await reader.read(signal, (noted) => this.noted.push(...noted));
  }

  /** A quarter of an hour after the end of this one. */
  async readAfter(hour: number, reader: OutputReader): Promise<void> {
    this.clock.advance((hour + 1 - this.#nowHour) * HOUR_MS + (this.#nowHour === 0 ? 15 * 60_000 : 0));
    this.#nowHour = hour + 1;
    if ((await this.read(reader)) !== hourAt(hour)) throw new Error('It is about another hour.');
  }

  /** All that is kept, in order. */
  async kept(hours: number): Promise<readonly (readonly HourOfSamples[])[]> {
    const of = ['1', '2', '3'].map((version) => {
      return { series: { environment: 'production', prompt: 'greeting', version, model: 'model-a' }, from: START };
    });
    return await this.outputs.samples(of, FEATURES_ID, hourAt(hours));
  }
}

/** One at a time: a process has one store. */
async function inPlace<Result>(act: (place: Place) => Promise<Result>): Promise<Result> {
  const place = await Place.open();
  try {
    return await act(place);
  } finally {
    await place.close();
  }
}

function inOrder(noted: readonly Noted[]): readonly Noted[] {
  const key = ({ hour, series }: Noted): string => `${hour} ${series.version}`;
  return noted.toSorted((a, b) => compareText(key(a), key(b)));
}

describe('many hours', () => {
  const HOURS = 30;
  const calls = callsOf(HOURS);
  let byHour: { readonly kept: unknown; readonly noted: readonly Noted[] };
  beforeAll(async () => {
    byHour = await inPlace(async (place) => {
      const reader = place.reader();
      for (let hour = 0; hour < HOURS; hour += 1) {
        await place.write(calls.filter((call) => call.hour === hour));
        await place.readAfter(hour, reader);
      }
      return { kept: await place.kept(HOURS), noted: inOrder(place.noted) };
    });
  });

  test.each<[string, Partial<ReadingLimits>]>([
    ['at once', {}],
    ['in portions by rows', { rowsAtOnce: 500 }],
    ['in portions of hours', { hoursAtOnce: 7 }],
    ['in portions of answers', { samplesAtOnce: 100 }],
    ['in portions of series', { seriesAtOnce: 2 }],
  ])('are noted %s as they are one by one', async (_, limits) => {
    await inPlace(async (place) => {
      await place.write(calls);
      await place.readAfter(HOURS - 1, place.reader(limits));
      expect(byHour.noted).toHaveLength(2 * HOURS + HOURS / 5);
      expect(inOrder(place.noted)).toEqual(byHour.noted);
      expect(await place.kept(HOURS)).toEqual(byHour.kept);
    });
  });
});

describe('calls that come late', () => {
  test('are noted with the next hour, and what was noted is not read again', async () => {
    const calls = callsOf(6);
    const inTime = await inPlace(async (place) => {
      await place.write(calls);
      await place.readAfter(5, place.reader());
      return { noted: inOrder(place.noted), kept: await place.kept(6) };
    });
    await inPlace(async (place) => {
      const late = calls.filter(({ hour }, index) => hour === 2 || hour === 3 || index % 3 === 0);
      await place.write(calls.filter((call) => !late.includes(call)));
      const reader = place.reader();
      await place.readAfter(4, reader);
      await place.write(late);
      // Of the same hour: it is looked at once.
      const before = place.noted.length;
      await place.read(reader);
      expect(place.noted).toHaveLength(before);

      place.noted.splice(0);
      await place.readAfter(5, reader);
      const versions = (hour: number): readonly string[] =>
        place.noted.flatMap((of) => (of.hour === hourAt(hour) ? of.series.version : [])).toSorted();
      // Of the second there were enough, and of the third all, where the hour was there in time.
      expect([1, 2, 3, 4].map(versions)).toEqual([['1'], ['1', '2'], ['1', '2'], ['1']]);
      const isLate = ({ hour }: { readonly hour: Timestamp }): boolean => hour === hourAt(2) || hour === hourAt(3);
      expect(inOrder(place.noted).filter(isLate)).toEqual(inTime.noted.filter(isLate));
      const kept = await place.kept(6);
      expect(kept.map((of) => of.filter(isLate))).toEqual(inTime.kept.map((of) => of.filter(isLate)));
      // Nothing came since, also for one that has just started.
      place.noted.splice(0);
      await place.read(place.reader());
      expect(place.noted).toEqual([]);
    });
  });

  test('after more than two weeks are not looked at', async () => {
    await inPlace(async (place) => {
      await place.write(callsOf(3));
      await place.readAfter(14 * 24 + 1, place.reader());
      expect(new Set(place.noted.map(({ hour }) => hour))).toEqual(new Set([hourAt(2)]));
    });
  });
});
