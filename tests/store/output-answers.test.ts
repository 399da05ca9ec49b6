/** Which hours and series have answers to read, and what they are, on a real store. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswersOfHour, OutputLog, OutputOf, SeriesOfHour } from '../../src/contract/output-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { contentPolicies } from '../../src/ingest/content/policy.ts';
import { compareText } from '../../src/lib/compare.ts';
import { addMillis, timestampFromMillis } from '../../src/lib/time.ts';
import { createOutputLog } from '../../src/store/telemetry/output-log.ts';
import { chatAttributes, eventually, hexId, openStore, send, withIngest, type OpenStore } from '../ingest/harness.ts';
import { ODD, series } from '../support/output-series.ts';
import { time } from '../support/store-samples.ts';
import { storedCall } from '../support/stored-calls.ts';

const HOUR_MS = 3_600_000;
const HOUR = time('2026-11-20T02:00:00Z');
/** Under which nothing is kept here. */
const NO_FEATURES = 99;
const hours = (count: number): Timestamp => addMillis(HOUR, count * HOUR_MS);

let store: OpenStore;
let log: OutputLog;
beforeAll(async () => {
  store = await openStore();
  log = createOutputLog(store.database, store.texts);
});
afterAll(() => store.database.close());

/** A call that answered with a text, as it lies there. */
function call(id: number, at: Timestamp, more: object = {}): object {
  const output = JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', text: `Answer ${id}.` }] }]);
  return storedCall(id, at, '1', { operation: 'chat', request_model: 'gpt-5', output, output_tokens: 3, ...more });
}

const saying = (...parts: readonly object[]): string => JSON.stringify([{ role: 'assistant', parts }]);
const outputOf = (id: number, startedAt: Timestamp): OutputOf => {
  return { traceId: String(id).padStart(32, '0'), spanId: String(id).padStart(16, '0'), startedAt };
};

/** Of an hour of which nothing was noted yet, pieces put together. */
async function allAnswers(
  hour: Timestamp,
  answersMax: number,
  seriesMax: number,
): Promise<readonly (AnswersOfHour & SeriesOfHour)[]> {
  const { series: noted } = await log.seriesToNote(NO_FEATURES, [hour], { answersMax, seriesMax });
  const pieces: AnswersOfHour[] = [];
  for await (const piece of log.answers(noted, answersMax)) pieces.push(...piece);
  const bySeries = Map.groupBy(pieces, ({ series: of }) => JSON.stringify(of));
  return noted.map((of) => {
    const own = bySeries.get(JSON.stringify(of.series)) ?? [];
    return { ...of, answers: own.flatMap(({ answers }) => answers) };
  });
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
    const limits = { answersMax: 1_500, seriesMax: 2 };
    const { series: noted } = await log.seriesToNote(NO_FEATURES, [hour], limits);
    for await (const piece of log.answers(noted, 1_500)) {
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

describe('hours to read', () => {
  const base = 24 * 30;
  const at = (hour: number): Timestamp => hours(base + hour);
  const due = async (featuresId = 1) => {
    const found = await createOutputLog(store.database, store.texts, 0).hoursToRead(featuresId, at(0), at(4));
    return found.map(({ hour, rows }) => [hour, rows]);
  };

  it('are those for whose calls something was written since they were read', async () => {
    await store.database.insert('invocations', [
      call(5_000, at(0)),
      call(5_001, at(0)),
      call(5_002, addMillis(at(3), -1)),
      call(5_003, addMillis(at(0), -1)),
      call(5_004, at(4)),
    ]);
    const first = [
      [at(0), 2],
      [at(2), 1],
    ];
    expect(await due()).toEqual(first);
    // What was just written may not be there to be read yet.
    expect(await log.hoursToRead(1, at(0), at(4))).toMatchObject([{ isQuiet: false }, { isQuiet: false }]);
    const read = await createOutputLog(store.database, store.texts, 0).hoursToRead(1, at(0), at(4));
    expect(read).toMatchObject([{ isQuiet: true }, { isQuiet: true }]);
    await log.keepHoursRead(1, read);
    await log.keepHoursRead(1, read.slice(1));
    await log.keepHoursRead(1, []);
    expect(await due()).toEqual([]);
    expect(await due(2)).toEqual(first);
    await store.database.insert('invocations', [call(5_000, at(0), { revision: '2' }), call(5_005, at(1))]);
    expect(await due()).toEqual([
      [at(0), 3],
      [at(1), 1],
    ]);
  });

  it('have series to note as long as there are more answers than are kept', async () => {
    const limits = { answersMax: 3, seriesMax: 2 };
    const toNote = async (featuresId = 3, which = limits) => {
      const { series: found, isCut } = await log.seriesToNote(featuresId, [at(10), at(11), at(12)], which);
      return { isCut, found: found.map(({ series: of, hour, calls }) => [of.version, hour, calls]) };
    };
    await store.database.insert(
      'invocations',
      [1, 2, 3, 4].flatMap((id) => [
        call(6_000 + id, at(10), { version: '1' }),
        ...(id > 2 ? [] : [call(6_010 + id, at(10), { version: '2' }), call(6_020 + id, at(12), { version: '2' })]),
        ...(id > 1 ? [] : [call(6_030, at(10), { version: '3' })]),
      ]),
    );
    const all = [
      ['1', at(10), 4],
      ['2', at(10), 2],
      ['2', at(12), 2],
    ];
    expect(await toNote()).toEqual({ isCut: true, found: all });
    expect(await toNote(3, { ...limits, seriesMax: 3 })).toMatchObject({ isCut: false });
    const noted = (of: string, hour: Timestamp, outputs: number) => ({
      series: series({ version: of }),
      hour,
      outputs,
    });
    await log.keepNoted(3, [noted('1', at(10), 3), noted('2', at(10), 2), noted('2', at(12), 1)]);
    expect((await toNote()).found).toEqual([['2', at(12), 2]]);
    expect((await toNote(NO_FEATURES)).found).toEqual(all);
    await store.database.insert('invocations', [call(6_013, at(10), { version: '2' })]);
    expect((await toNote()).found).toEqual([
      ['2', at(10), 3],
      ['2', at(12), 2],
    ]);
    expect(await log.seriesToNote(3, [], limits)).toEqual({ series: [], isCut: false });
  });

  it('give the answers of several hours at once as one by one', async () => {
    await store.database.insert(
      'invocations',
      Array.from({ length: 90 }, (_, id) =>
        call(7_000 + id, addMillis(at(20 + (id % 3)), id), { version: String(id % 2) }),
      ),
    );
    const limits = { answersMax: 8, seriesMax: 10 };
    const answersOf = async (of: readonly SeriesOfHour[]) => {
      const found: string[] = [];
      for await (const piece of log.answers(of, 8))
        for (const { series: own, hour, answers } of piece)
          found.push(...answers.map(({ traceId }) => `${hour} ${own.version} ${traceId}`));
      return found.toSorted();
    };
    const { series: all } = await log.seriesToNote(NO_FEATURES, [at(20), at(21), at(22)], limits);
    const together = await answersOf(all);
    expect(together).toHaveLength(6 * 8);
    const apart: string[] = [];
    for (const of of all) apart.push(...(await answersOf([of])));
    expect(apart.toSorted()).toEqual(together);
    expect(await answersOf([])).toEqual([]);
  });
});
