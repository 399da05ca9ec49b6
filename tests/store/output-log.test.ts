/** What is noted of outputs, on a real store: samples of them, baselines, counts and statuses. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  OutputBaseline,
  OutputLog,
  OutputOf,
  OutputSample,
  OutputSeries,
  OutputStatus,
  SamplesOfHour,
} from '../../src/contract/output-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { bringBackFutureRows } from '../../src/store/future-rows.ts';
import { createOutputLog } from '../../src/store/telemetry/output-log.ts';
import { createRetentionLog } from '../../src/store/telemetry/retention.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { ODD, series } from '../support/output-series.ts';
import { time } from '../support/store-samples.ts';

const HOUR_MS = 3_600_000;
const HOUR = time('2026-11-20T02:00:00Z');
const hours = (count: number): Timestamp => addMillis(HOUR, count * HOUR_MS);

let store: OpenStore;
let log: OutputLog;
beforeAll(async () => {
  store = await openStore();
  log = createOutputLog(store.database, store.texts);
});
afterAll(() => store.database.close());

const outputOf = (id: number, startedAt: Timestamp): OutputOf => {
  return { traceId: String(id).padStart(32, '0'), spanId: String(id).padStart(16, '0'), startedAt };
};

/** Samples, and that there are so many. */
async function keep(featuresId: number, samples: readonly SamplesOfHour[]): Promise<void> {
  await log.keepSamples(featuresId, samples);
  await log.keepNoted(
    featuresId,
    samples.map(({ series: of, hour, samples: some }) => ({ series: of, hour, outputs: some.length })),
  );
}

function sample(id: number, at: Timestamp, more: Partial<OutputSample> = {}): OutputSample {
  return {
    ...outputOf(id, addMillis(at, id)),
    numbers: [Math.fround(Math.log1p(id)), null, 0.5],
    flags: id % 8,
    words: ['stop', ''],
    ...more,
  };
}

describe('samples', () => {
  it('come back as they were, by hours, however often they are kept', async () => {
    const of = ODD[0] as OutputSeries;
    const read = async (from: Timestamp, until: Timestamp, featuresId = 1) =>
      (await log.samples([{ series: of, from }], featuresId, until))[0];
    const first = [
      sample(1, HOUR),
      sample(2, HOUR, { flags: null, numbers: [null, null, null], words: ['\ud83d\ude42', `'`] }),
    ];
    const second = [sample(3, hours(2), { flags: 4_294_967_295 })];
    const others = ODD.slice(1).map((other) => ({ hour: HOUR, series: other, samples: [sample(9, HOUR)] }));
    for (const _ of [1, 2]) {
      await keep(1, [{ hour: HOUR, series: of, samples: first }, ...others]);
      await keep(1, [{ hour: hours(2), series: of, samples: second }]);
    }
    await keep(2, [{ hour: hours(3), series: of, samples: [sample(4, hours(3))] }]);
    await keep(1, []);
    expect(await read(HOUR, hours(3))).toEqual([
      { hour: HOUR, samples: first },
      { hour: hours(2), samples: second },
    ]);
    expect(await read(hours(1), hours(2))).toEqual([]);
    expect(await read(HOUR, hours(2))).toHaveLength(1);
    const compared = await log.features(
      [
        { series: of, from: HOUR },
        { series: ODD[1]!, from: hours(1) },
      ],
      1,
      hours(3),
    );
    const own = (samples: readonly OutputSample[]) =>
      samples.map(({ numbers, flags, words }) => ({ numbers, flags, words }));
    expect(compared).toEqual([
      [
        { hour: HOUR, outputs: own(first) },
        { hour: hours(2), outputs: own(second) },
      ],
      [],
    ]);
    expect(await log.features([], 1, hours(3))).toEqual([]);
    expect(await read(HOUR, hours(9), 2)).toEqual([{ hour: hours(3), samples: [sample(4, hours(3))] }]);
    const extents = await log.extents(1, HOUR);
    expect(extents).toHaveLength(ODD.length);
    expect(extents).toContainEqual({ series: of, firstHour: HOUR, lastHour: hours(2), outputs: 3 });
    expect(extents).toContainEqual({ series: ODD[2], firstHour: HOUR, lastHour: HOUR, outputs: 1 });
    expect(await log.extents(1, hours(1))).toEqual([
      { series: of, firstHour: hours(2), lastHour: hours(2), outputs: 1 },
    ]);
  });

  it('have their numbers with the precision of 32 bits', async () => {
    const of = series({ prompt: 'precise' });
    const numbers = Array.from({ length: 500 }, (_, index) => Math.log1p(index) * (index % 2 === 0 ? 1 : -1e-7));
    await keep(1, [{ hour: HOUR, series: of, samples: [sample(1, HOUR, { numbers })] }]);
    const [[kept] = []] = await log.samples([{ series: of, from: HOUR }], 1, hours(1));
    expect(kept?.samples[0]?.numbers).toEqual(numbers.map(Math.fround));
    const [[compared] = []] = await log.features([{ series: of, from: HOUR }], 1, hours(1));
    expect(compared?.outputs[0]?.numbers).toEqual(numbers.map(Math.fround));
  });
});

function baseline(of: OutputSeries, madeAt: Timestamp, more: Partial<OutputBaseline> = {}): OutputBaseline {
  return {
    series: of,
    madeAt,
    featuresId: 1,
    from: hours(-24),
    until: HOUR,
    outputs: 500,
    comparedFrom: HOUR,
    bins: [{ flag: true }, { edges: [0.1, 2.5], atoms: [1] }, { top: [`it's`, ''] }],
    counts: [1, 2, 3],
    overdispersion: [
      [1, 1.25],
      [1, 1],
      [3, 4],
    ],
    ...more,
  };
}

describe('baselines and counts', () => {
  it('of several baselines the newest counts', async () => {
    const made = ODD.map((of) => baseline(of, HOUR));
    await log.keepBaselines([...made, ...made]);
    await log.keepBaselines([]);
    const later = baseline(ODD[1] as OutputSeries, addMillis(HOUR, 1), { outputs: 900 });
    await log.keepBaselines([later]);
    const found = await log.baselines([...ODD, series({ prompt: 'none' })]);
    expect(found).toHaveLength(ODD.length);
    expect(found).toEqual(expect.arrayContaining([made[0], later, made[2], made[3]]));
    expect(await log.baselines([])).toEqual([]);
  });

  it('are added up over windows that end with an hour, each hour once', async () => {
    const [one, other, empty] = [baseline(ODD[0]!, hours(1)), baseline(ODD[2]!, hours(1)), baseline(ODD[3]!, hours(1))];
    const counted = [0, 1, 2, 5, 9].map((at) => ({ hour: hours(at), outputs: at, counts: [1, 10 ** at, 0] }));
    await log.keepCounts([{ baseline: one, hours: counted }]);
    await log.keepCounts([{ baseline: one, hours: counted.slice(2) }]);
    await log.keepCounts([{ baseline: other, hours: [{ hour: hours(5), outputs: 4, counts: [0, 0, 4] }] }]);
    // Of another baseline of the same series, and of before it is compared.
    await log.keepCounts([{ baseline: baseline(ODD[0]!, hours(2)), hours: counted }]);
    await log.keepCounts([{ baseline: one, hours: [{ hour: hours(-1), outputs: 7, counts: [7, 7, 7] }] }]);
    await log.keepCounts([{ baseline: one, hours: [] }]);
    const none = [0, 0, 0];
    expect(await log.sums([one, empty, other], hours(5), [1, 4, 128])).toEqual([
      {
        series: one.series,
        lastHour: hours(5),
        all: [4, 100_111, 0],
        windows: [
          [1, 100_000, 0],
          [2, 100_100, 0],
          [4, 100_111, 0],
        ],
      },
      { series: empty.series, lastHour: null, all: none, windows: [none, none, none] },
      {
        series: other.series,
        lastHour: hours(5),
        all: [0, 0, 4],
        windows: [
          [0, 0, 4],
          [0, 0, 4],
          [0, 0, 4],
        ],
      },
    ]);
    const [compared] = await log.sums([{ ...one, comparedFrom: hours(2) }], hours(9), [1, 4]);
    expect(compared).toMatchObject({
      lastHour: hours(9),
      all: [3, 1_000_100_100, 0],
      windows: [
        [1, 1_000_000_000, 0],
        [1, 1_000_000_000, 0],
      ],
    });
    expect(await log.counts(one, hours(-9))).toEqual(counted);
    expect(await log.counts({ ...one, comparedFrom: hours(2) }, hours(1))).toEqual(counted.slice(2));
    expect(await log.counts(one, hours(6))).toEqual(counted.slice(4));
    expect(await log.sums([], HOUR, [1])).toEqual([]);
  });
});

function status(of: OutputSeries, at: Timestamp, more: Partial<OutputStatus> = {}): OutputStatus {
  return {
    series: of,
    at,
    state: 'learning',
    lastHour: HOUR,
    learning: { since: HOUR, outputs: 3, outputsNeeded: 300, until: hours(168) },
    baseline: null,
    log10Score: null,
    change: null,
    ...more,
  };
}

it('of each series the newest status is known', async () => {
  await log.keepStatuses(ODD.map((of) => status(of, HOUR)));
  const later = status(ODD[1] as OutputSeries, hours(1), { state: 'watching', learning: null, log10Score: -0.5 });
  await log.keepStatuses([later, later]);
  await log.keepStatuses([]);
  const statuses = await log.statuses();
  expect(statuses).toHaveLength(ODD.length);
  expect(statuses).toEqual(expect.arrayContaining([status(ODD[0]!, HOUR), later, status(ODD[2]!, HOUR)]));
});

it('of a clock that was ahead and is set back, what is known goes on from now', async () => {
  const of = series({ prompt: 'ahead' });
  const clock = { ...systemClock, now: () => hours(100) };
  await log.keepStatuses([status(of, hours(200), { state: 'changed' })]);
  await bringBackFutureRows(store.database, clock);
  const known = async () => (await log.statuses()).find(({ series: { prompt } }) => prompt === 'ahead');
  expect(await known()).toMatchObject({ state: 'changed', at: hours(100) });
  await log.keepStatuses([status(of, hours(101))]);
  expect(await known()).toMatchObject({ state: 'learning', at: hours(101) });
});

it('goes with the months of the calls where these are kept for less than two months', async () => {
  const of = series({ prompt: 'kept' });
  const [october, november] = [time('2026-10-31T23:00:00Z'), time('2026-11-01T00:00:00Z')];
  await keep(1, [{ hour: october, series: of, samples: [sample(1, october)] }]);
  await keep(1, [{ hour: november, series: of, samples: [sample(2, november)] }]);
  const retention = createRetentionLog(store.database);
  await retention.dropBefore(time('2026-10-15T00:00:00Z'));
  const since = [{ series: of, from: october }];
  expect((await log.samples(since, 1, hours(0)))[0]).toHaveLength(2);
  await retention.dropBefore(time('2026-11-15T00:00:00Z'));
  expect(await log.samples(since, 1, hours(0))).toEqual([[{ hour: november, samples: [sample(2, november)] }]]);
  expect((await log.extents(1, october)).find(({ series: { prompt } }) => prompt === 'kept')?.firstHour).toBe(november);
});
