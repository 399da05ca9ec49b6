/** What is noted of outputs, on a real store: what calls answered, samples of them, baselines, counts and statuses. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  AnswersOfHour,
  OutputBaseline,
  OutputLog,
  OutputOf,
  OutputSample,
  OutputSeries,
  OutputStatus,
} from '../../src/contract/output-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { contentPolicies } from '../../src/ingest/content/policy.ts';
import { compareText } from '../../src/lib/compare.ts';
import { addMillis, systemClock, timestampFromMillis } from '../../src/lib/time.ts';
import { bringBackFutureRows } from '../../src/store/future-rows.ts';
import { createOutputLog } from '../../src/store/telemetry/output-log.ts';
import { createRetentionLog } from '../../src/store/telemetry/retention.ts';
import { chatAttributes, eventually, hexId, openStore, send, withIngest, type OpenStore } from '../ingest/harness.ts';
import { time } from '../support/store-samples.ts';
import { storedCall } from '../support/stored-calls.ts';

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

const series = (more: Partial<OutputSeries> = {}): OutputSeries => {
  return { environment: 'production', prompt: 'greeting', version: '1', model: 'gpt-5', ...more };
};
const ODD = [
  series({ prompt: `it's "odd" \\ {x:String} ` }),
  series({ environment: '' }),
  series({ version: '2', model: 'モデル 🙂' }),
  series({ model: '' }),
];

/** A call that answered with a text, as it lies there. */
function call(id: number, at: Timestamp, more: object = {}): object {
  const output = JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', text: `Answer ${id}.` }] }]);
  return storedCall(id, at, '1', { operation: 'chat', request_model: 'gpt-5', output, output_tokens: 3, ...more });
}

const saying = (...parts: readonly object[]): string => JSON.stringify([{ role: 'assistant', parts }]);
const outputOf = (id: number, startedAt: Timestamp): OutputOf => {
  return { traceId: String(id).padStart(32, '0'), spanId: String(id).padStart(16, '0'), startedAt };
};

/** Pieces put together. */
async function allAnswers(hour: Timestamp, answersMax: number, seriesMax: number): Promise<readonly AnswersOfHour[]> {
  const pieces: AnswersOfHour[] = [];
  for await (const piece of log.answers(hour, answersMax, seriesMax)) pieces.push(...piece);
  const bySeries = Map.groupBy(pieces, ({ series: of }) => JSON.stringify(of));
  return [...bySeries.values()]
    .map(([first, ...more]) => {
      const own = [first as AnswersOfHour, ...more];
      return { ...own[0]!, answers: own.flatMap(({ answers }) => answers) };
    })
    .toSorted((a, b) => b.calls - a.calls);
}

describe('answers of an hour', () => {
  const answersAt = async (hour: Timestamp, answersMax = 64, seriesMax = 100) =>
    (await allAnswers(hour, answersMax, seriesMax)).map(({ series: of, calls, answers }) => {
      return { ...of, calls, texts: answers.map(({ output }) => output.text ?? 'not kept').toSorted() };
    });

  it('are of the calls that began in it, did not fail and are of a known version', async () => {
    await store.database.insert('invocations', [
      call(1, HOUR),
      call(2, addMillis(hours(1), -1)),
      call(3, addMillis(HOUR, -1)),
      call(4, hours(1)),
      call(5, HOUR, { error_type: 'timeout' }),
      call(6, HOUR, { version: '' }),
      call(7, HOUR, { prompt: '' }),
      call(8, HOUR, { operation: 'embeddings' }),
      call(9, HOUR, { is_deleted: 1 }),
      call(10, HOUR, { operation: 'text_completion', version: '2' }),
    ]);
    expect(await answersAt(HOUR)).toEqual([
      { ...series(), calls: 2, texts: ['Answer 1.', 'Answer 2.'] },
      { ...series({ version: '2' }), calls: 1, texts: ['Answer 10.'] },
    ]);
    expect(await answersAt(hours(2))).toEqual([]);
    expect(await log.hoursWithCalls(hours(-1), hours(2))).toEqual([hours(-1), HOUR, hours(1)]);
    expect(await log.hoursWithCalls(HOUR, hours(1))).toEqual([HOUR]);
  });

  it('are an even sample, the same each time, of the busiest series; each call in its newest form', async () => {
    const hour = hours(24);
    const many = Array.from({ length: 3_000 }, (_, index) => 1_000 + index);
    await store.database.insert(
      'invocations',
      many.map((id) => call(id, addMillis(hour, id), { version: id % 3 === 0 ? '1' : '2' })),
    );
    await store.database.insert(
      'invocations',
      many.map((id) => {
        const output = saying({ type: 'text', text: `Corrected ${id}.` });
        return call(id, addMillis(hour, id), { version: id % 3 === 0 ? '1' : '2', revision: '2', output });
      }),
    );
    const [busiest, other] = await allAnswers(hour, 1_500, 2);
    expect([busiest?.series.version, busiest?.calls, busiest?.answers.length]).toEqual(['2', 2_000, 1_500]);
    expect([other?.series.version, other?.calls, other?.answers.length]).toEqual(['1', 1_000, 1_000]);
    const all = [...(busiest?.answers ?? []), ...(other?.answers ?? [])];
    expect(all.every(({ traceId, output }) => output.text === `Corrected ${Number(traceId)}.`)).toBe(true);
    // Over the whole hour, not its beginning.
    const late = busiest?.answers.filter(({ startedAt }) => startedAt > addMillis(hour, 2_500)).length ?? 0;
    expect(late).toBeGreaterThan(650);
    expect(late).toBeLessThan(850);
    const [few, ...none] = await allAnswers(hour, 8, 1);
    expect(none).toEqual([]);
    expect(few?.answers).toHaveLength(8);
    const known = new Set(busiest?.answers.map(({ traceId }) => traceId));
    expect(few?.answers.every(({ traceId }) => known.has(traceId))).toBe(true);
    expect(await allAnswers(hour, 8, 1)).toEqual([few]);
    let pieces = 0;
    for await (const piece of log.answers(hour, 1_500, 2)) {
      pieces += 1;
      expect(piece.flatMap(({ answers }) => answers).length).toBeLessThanOrEqual(1_000);
    }
    expect(pieces).toBe(3);
  });

  it('say what was said, and what is not known of it', async () => {
    const hour = hours(48);
    const tools = [
      { type: 'tool_call', id: 'a', name: 'search', arguments: {} },
      { type: 'tool_call', id: 'b', name: 'book', arguments: { text: 'none' } },
    ];
    const outputs: readonly (readonly [output: object, said: object])[] = [
      [
        { output: saying({ type: 'text', text: 'One.' }, ...tools, { type: 'text', text: 'Two.' }) },
        { text: 'One.\n\nTwo.', tools: ['search', 'book'] },
      ],
      [{ output: saying({ type: 'reasoning', text: 'Hm.' }, ...tools) }, { text: '', tools: ['search', 'book'] }],
      [{ output: saying({ type: 'text', text: { answer: 42 } }) }, { text: '{"answer":42}' }],
      [
        {
          output: JSON.stringify([
            { role: 'assistant', parts: [{ type: 'text', text: 'a' }] },
            { role: 'assistant', parts: [{ type: 'text', text: 'b' }] },
          ]),
        },
        { text: 'a\n\nb' },
      ],
      [
        { finish_reasons: ['tool_calls', 'stop'], response_model: 'gpt-5-2026', input_tokens: 7 },
        { finishReason: 'stop tool_calls', responseModel: 'gpt-5-2026', inputTokens: 7, outputTokens: 3 },
      ],
      [{ output: saying({ type: 'text', text: `\u0001tsha256:${'0'.repeat(64)}` }) }, { text: null }],
      [{ output: '' }, { text: null }],
      [
        { output: '', output_tokens: null },
        { text: null, outputTokens: null },
      ],
      // Nothing but thoughts was made of what was asked.
      [{ output: '', output_tokens: 0 }, { text: '' }],
      [{ output: '', output_tokens: 512, reasoning_tokens: 512 }, { text: '' }],
      [{ output: '', output_tokens: 0, incomplete: ['content_not_captured'] }, { text: null }],
      [{ incomplete: ['content_truncated'] }, { text: 'Answer 111.' }],
    ];
    await store.database.insert(
      'invocations',
      outputs.map(([output], index) => call(100 + index, addMillis(hour, index), output)),
    );
    const [of] = await allAnswers(hour, 64, 10);
    const byId = new Map(of?.answers.map(({ traceId, output }) => [Number(traceId), output]));
    for (const [index, [, said]] of outputs.entries()) expect(byId.get(100 + index)).toMatchObject(said);
    const asked = outputs.map((_, index) => outputOf(100 + index, addMillis(hour, index)));
    const texts = await log.texts([outputOf(99, hour), ...asked]);
    expect(texts).toEqual([
      { ...outputOf(99, hour), text: null },
      ...asked.map((one, index) => ({ ...one, text: byId.get(100 + index)?.text })),
    ]);
  });

  it('keep series apart, whatever they are called; of calls that name no model, by the one that answered', async () => {
    const hour = hours(72);
    await store.database.insert(
      'invocations',
      ODD.map(({ environment, prompt, version, model }, index) =>
        call(200 + index, hour, { environment, prompt, version, request_model: '', response_model: model }),
      ),
    );
    const answers = await allAnswers(hour, 64, 10);
    expect(new Set(answers.map(({ series: of }) => JSON.stringify(of)))).toEqual(
      new Set(ODD.map((of) => JSON.stringify(of))),
    );
  });

  it('are whole again where they are stored as references, and null where only hashes are', async () => {
    const said = 'A long answer, kept once however many calls repeat it. '.repeat(20);
    const startMs = Date.parse('2026-11-25T10:20:00Z');
    const policies = contentPolicies({ default: 'full', environments: { sealed: 'hash_only' }, redact: [] });
    const attribute = () => ({ kind: 'exact', prompt: 'greeting', version: '3', owner: null }) as const;
    await withIngest(store.telemetry, { policies, attribute }, async (ingest) => {
      const messages: { role: string; text: string }[] = [];
      for (const turn of [0, 1, 2]) {
        messages.push({ role: 'user', text: `Question ${turn}` });
        const attributes = chatAttributes('Be kind.', messages, said + turn);
        const at = { startMs: startMs + turn * 1_000, durationMs: 500, attributes };
        await send(ingest, { ...at, traceId: hexId(16) }, { ...at, traceId: hexId(16), environment: 'sealed' });
        messages.push({ role: 'assistant', text: said + turn });
      }
      await eventually(
        () => allAnswers(timestampFromMillis(startMs - 20 * 60_000), 64, 10),
        (found) => found.reduce((sum, { calls }) => sum + calls, 0) === 6,
      );
    });
    const found = await allAnswers(timestampFromMillis(startMs - 20 * 60_000), 64, 10);
    const textsIn = (environment: string) =>
      found
        .find((of) => of.series.environment === environment)
        ?.answers.map(({ output }) => output.text)
        .toSorted((a, b) => compareText(a ?? '', b ?? ''));
    expect(textsIn('production')).toEqual([said + 0, said + 1, said + 2]);
    expect(textsIn('sealed')).toEqual([null, null, null]);
    const [first] = found.find((of) => of.series.environment === 'production')?.answers ?? [];
    const { output, ...of } = first!;
    expect(await log.texts([of])).toEqual([{ ...of, text: output.text }]);
    expect(output).toMatchObject({ finishReason: 'stop', responseModel: 'gpt-4o-2024-08-06', outputTokens: 17 });
  });
});

it('remembers up to where hours were read, also when that is put back', async () => {
  expect(await log.readUntil()).toBeNull();
  await log.keepReadUntil(hours(5));
  await log.keepReadUntil(hours(5));
  await log.keepReadUntil(hours(3));
  expect(await log.readUntil()).toBe(hours(3));
});

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
      await log.keepSamples(1, [{ hour: HOUR, series: of, samples: first }, ...others]);
      await log.keepSamples(1, [{ hour: hours(2), series: of, samples: second }]);
    }
    await log.keepSamples(2, [{ hour: hours(3), series: of, samples: [sample(4, hours(3))] }]);
    await log.keepSamples(1, []);
    expect(await read(HOUR, hours(3))).toEqual([
      { hour: HOUR, samples: first },
      { hour: hours(2), samples: second },
    ]);
    expect(await read(hours(1), hours(2))).toEqual([]);
    expect(await read(HOUR, hours(2))).toHaveLength(1);
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
    await log.keepSamples(1, [{ hour: HOUR, series: of, samples: [sample(1, HOUR, { numbers })] }]);
    const [[kept] = []] = await log.samples([{ series: of, from: HOUR }], 1, hours(1));
    expect(kept?.samples[0]?.numbers).toEqual(numbers.map(Math.fround));
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
    for (const one of [...made, ...made]) await log.keepBaseline(one);
    const later = baseline(ODD[1] as OutputSeries, addMillis(HOUR, 1), { outputs: 900 });
    await log.keepBaseline(later);
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
  await log.keepReadUntil(hours(200));
  await bringBackFutureRows(store.database, clock);
  expect(await log.readUntil()).toBe(hours(100));
  const known = async () => (await log.statuses()).find(({ series: { prompt } }) => prompt === 'ahead');
  expect(await known()).toMatchObject({ state: 'changed', at: hours(100) });
  await log.keepStatuses([status(of, hours(101))]);
  expect(await known()).toMatchObject({ state: 'learning', at: hours(101) });
});

it('goes with the months of the calls where these are kept for less than two months', async () => {
  const of = series({ prompt: 'kept' });
  const [october, november] = [time('2026-10-31T23:00:00Z'), time('2026-11-01T00:00:00Z')];
  await log.keepSamples(1, [{ hour: october, series: of, samples: [sample(1, october)] }]);
  await log.keepSamples(1, [{ hour: november, series: of, samples: [sample(2, november)] }]);
  const retention = createRetentionLog(store.database);
  await retention.dropBefore(time('2026-10-15T00:00:00Z'));
  const since = [{ series: of, from: october }];
  expect((await log.samples(since, 1, hours(0)))[0]).toHaveLength(2);
  await retention.dropBefore(time('2026-11-15T00:00:00Z'));
  expect(await log.samples(since, 1, hours(0))).toEqual([[{ hour: november, samples: [sample(2, november)] }]]);
  expect((await log.extents(1, october)).find(({ series: { prompt } }) => prompt === 'kept')?.firstHour).toBe(november);
});
