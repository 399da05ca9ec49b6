/** Judgements without telemetry: they reach the call that they name, before and after it, and go through the content policy. */

import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Feedback } from '../../src/contract/feedback.ts';
import type { Evaluation } from '../../src/contract/invocation.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { readLogs } from '../../src/dialects/read.ts';
import { contentPolicies, type ContentSettings } from '../../src/ingest/content/policy.ts';
import { Entrance } from '../../src/ingest/entrance.ts';
import { telemetryOf } from '../../src/ingest/feedback.ts';
import { systemClock, timestampFromMillis } from '../../src/lib/time.ts';
import { decodeLogs } from '../../src/otlp/decode.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore, send, type OpenStore } from './harness.ts';
import { keptBytes } from './kept-bytes.ts';

const NOW = '2026-11-20T10:00:00.000000001Z' as Timestamp;

function feedback(told: Partial<Feedback>): Feedback {
  const unknown = {
    label: null,
    explanation: null,
    at: null,
    by: null,
    id: null,
    withdrawn: false,
    environment: null,
  } as const;
  return { traceId: '', spanId: '', responseId: null, name: 'helpful', score: 1, ...unknown, ...told };
}

function factsOf(all: readonly Feedback[]): ReturnType<typeof readLogs> {
  const decoded = decodeLogs(telemetryOf(all, NOW).body, 'json');
  if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
  return readLogs(decoded);
}

describe('as telemetry', () => {
  it('is the record of an evaluation, at the time when it was judged or came', () => {
    const at = '2026-11-20T09:00:00.123456789Z' as Timestamp;
    const [first, second] = factsOf([
      feedback({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), score: 0.25, explanation: 'Why.', by: 'ann', at }),
      feedback({ responseId: 'msg_1', score: null, label: 'bad', id: 'm-1', environment: 'production' }),
    ]);
    expect(first).toMatchObject({
      role: 'evaluation',
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      startedAt: at,
      evaluations: [{ name: 'helpful', score: 0.25, label: null, explanation: 'Why.', by: 'ann' }],
    });
    expect(first).not.toHaveProperty('environment');
    expect(second).toMatchObject({
      traceId: '',
      spanId: '',
      responseId: 'msg_1',
      startedAt: NOW,
      environment: 'production',
      evaluations: [{ name: 'helpful', score: null, label: 'bad', explanation: null, id: 'm-1' }],
    });
  });

  it('loses nothing of what was said', () => {
    const hex = (digits: number) =>
      fc.bigInt({ min: 1n, max: 16n ** BigInt(digits) - 1n }).map((id) => id.toString(16).padStart(digits, '0'));
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    const maybe = fc.option(text);
    const told = fc.record({
      traceId: hex(32),
      spanId: fc.oneof(hex(16), fc.constant('')),
      responseId: maybe,
      name: text,
      score: fc.double({ noDefaultInfinity: true, noNaN: true }).map((score) => score + 0),
      label: maybe,
      explanation: maybe,
      at: fc.integer({ min: 0, max: 2_000_000_000_000 }).map(timestampFromMillis),
      by: maybe,
      id: maybe,
      withdrawn: fc.boolean(),
      environment: maybe,
    });
    fc.assert(
      fc.property(told, (said) => {
        const [fact] = factsOf([said]);
        const [evaluation] = fact?.evaluations ?? [];
        const { by = null, id = null, withdrawn = false, ...rest } = evaluation as Evaluation;
        const { traceId, spanId, responseId = null, environment = null, startedAt: at } = fact ?? ({} as never);
        expect({ traceId, spanId, responseId, environment, at, by, id, withdrawn, ...rest }).toEqual(said);
      }),
    );
  });
});

it('is refused by an entrance that is not open, as telemetry is', async () => {
  const policies = contentPolicies('full');
  const onError = (error: unknown): void => {
    throw error;
  };
  const entrance = new Entrance({ clock: systemClock, dataDirectory: tempDirectory(), policies, onError });
  expect(await entrance.acceptFeedback([feedback({ responseId: 'x' })])).toMatchObject({ outcome: 'overloaded' });
});

interface Run {
  readonly store: OpenStore;
  readonly directory: string;
  readonly judge: (...all: readonly Partial<Feedback>[]) => Promise<void>;
  /** Sends a call. */
  readonly call: (call: Call) => Promise<void>;
  /** Of the call, once there are so many. */
  readonly judgements: (call: Call, count: number) => Promise<readonly Evaluation[]>;
}

interface Call {
  readonly traceId: string;
  readonly spanId: string;
  readonly responseId: string;
}

function newCall(): Call {
  return { traceId: hexId(16), spanId: hexId(8), responseId: `chatcmpl-${hexId(12)}` };
}

/** A daemon's whole way from the API to the store, without the daemon. */
async function running(
  content: ContentSettings['default'] | ContentSettings,
  work: (run: Run) => Promise<void>,
): Promise<void> {
  const directory = tempDirectory();
  const store = await openStore(join(directory, 'store'));
  const policies = contentPolicies(content);
  const onError = (error: unknown): void => {
    throw error;
  };
  const entrance = new Entrance({ clock: systemClock, dataDirectory: directory, policies, onError });
  const ingest = createIngest(store.telemetry, { entrance });
  await ingest.start();
  const judgementsOf = async ({ traceId }: Call): Promise<readonly Evaluation[]> =>
    (await store.invocations.list({ traceId }, { limit: 10 })).items.flatMap(
      ({ invocation }) => invocation.evaluations,
    );
  try {
    await work({
      store,
      directory,
      judge: async (...all) => {
        const { outcome } = await entrance.acceptFeedback(all.map(feedback));
        expect(outcome).toBe('durable');
      },
      call: async ({ traceId, spanId, responseId }) => {
        const attributes = chatAttributes('Be brief.', [{ role: 'user', text: 'Hello?' }], 'Hi.', {
          'gen_ai.response.id': responseId,
        });
        await send(ingest, { traceId, spanId, attributes });
      },
      judgements: (call, count) =>
        eventually(
          () => judgementsOf(call),
          ({ length }) => length >= count,
        ),
    });
  } finally {
    await ingest.stop(5_000);
    await store.database.close();
  }
}

describe('what is kept of it', () => {
  const said = { explanation: 'Ask ann@example.com for the secret recipe.', by: 'ann@example.com', id: 'ann-7' };

  it('is nothing but hashes with `hash_only`; what one judge says later still takes the place of what they said', async () => {
    await running('hash_only', async ({ call, judge, judgements, directory, store }) => {
      const judged = newCall();
      await call(judged);
      await judge({ ...judged, ...said });
      const [first] = await judgements(judged, 1);
      const hashed = expect.stringMatching(/^\[not kept: sha256:/);
      expect(first).toMatchObject({ name: 'helpful', score: 1, explanation: hashed, by: hashed, id: hashed });
      await judge({ ...judged, ...said, score: 0 }, { ...judged, score: 0.5, by: 'bob' });
      expect((await judgements(judged, 2)).map(({ score }) => score)).toEqual([0, 0.5]);
      const kept = await keptBytes(directory, store);
      for (const secret of ['recipe', 'example.com', 'ann-7']) expect(kept.includes(secret)).toBe(false);
    });
  });

  it('is redacted, and who is no longer told apart takes back nobody’s word', async () => {
    await running('redacted', async ({ call, judge, judgements }) => {
      const judged = newCall();
      await call(judged);
      await judge({ ...judged, ...said }, { ...judged, by: 'ann@example.com', score: 1 });
      await judge({ ...judged, by: 'bob@example.com', score: 0 });
      const kept = await judgements(judged, 3);
      expect(kept).toHaveLength(3);
      expect(kept).toContainEqual({
        name: 'helpful',
        score: 1,
        label: null,
        explanation: 'Ask [redacted:email] for the secret recipe.',
        id: 'ann-7',
      });
    });
  });

  it('is what the strictest policy leaves where nobody says of which environment the call is', async () => {
    const content: ContentSettings = {
      default: 'full',
      environments: { production: 'hash_only', staging: 'redacted' },
      redact: [],
    };
    await running(content, async ({ call, judge, judgements }) => {
      const judged = newCall();
      await call(judged);
      const { explanation } = said;
      await judge({ ...judged, explanation, score: 0 }, { ...judged, explanation, score: 1, environment: 'staging' });
      await judge({ ...judged, explanation, score: 2, environment: 'somewhere' });
      const kept = await judgements(judged, 3);
      expect(Object.fromEntries(kept.map((each) => [each.score, each.explanation]))).toEqual({
        0: expect.stringMatching(/^\[not kept: sha256:/),
        1: 'Ask [redacted:email] for the secret recipe.',
        2: explanation,
      });
    });
  });
});

describe('its call', () => {
  let runs: Promise<void>;
  let run: Run;
  const over = Promise.withResolvers<void>();
  beforeAll(async () => {
    const started = Promise.withResolvers<Run>();
    runs = running('full', async (begun) => {
      started.resolve(begun);
      await over.promise;
    });
    run = await started.promise;
  });
  afterAll(async () => {
    over.resolve();
    await runs;
  });

  it.each<[string, (call: Call) => Partial<Feedback>]>([
    ['its span', ({ traceId, spanId }) => ({ traceId, spanId })],
    ['its trace alone', ({ traceId }) => ({ traceId })],
    ['its response id', ({ responseId }) => ({ responseId })],
  ])('is found by %s, before it came and after', async (_by, name) => {
    const [before, after] = [newCall(), newCall()];
    await run.judge({ ...name(before), score: 0.5 });
    await run.call(after);
    expect(await run.judgements(after, 0)).toEqual([]);
    await run.judge({ ...name(after), score: 0.75 });
    await run.call(before);
    const said = { name: 'helpful', label: null, explanation: null };
    expect(await run.judgements(after, 1)).toEqual([{ ...said, score: 0.75 }]);
    expect(await run.judgements(before, 1)).toEqual([{ ...said, score: 0.5 }]);
  });

  it('is judged no more by who takes it back, in whatever order that comes, and again by who says something later', async () => {
    const judged = newCall();
    const at = (second: number): Timestamp => `2026-11-20T10:00:0${second}.000000000Z` as Timestamp;
    const [ann, bob] = [
      { ...judged, by: 'ann' },
      { ...judged, by: 'bob' },
    ];
    const back = { score: null, withdrawn: true };
    await run.judge({ ...ann, ...back, at: at(2) }, { ...judged, ...back, id: 'unknown' });
    await run.judge({ ...bob, score: 0, at: at(1) }, { ...ann, score: 1, at: at(1) });
    await run.call(judged);
    expect(await run.judgements(judged, 1)).toEqual([
      { name: 'helpful', score: 0, label: null, explanation: null, by: 'bob' },
    ]);
    await run.judge({ ...ann, score: 0.5, at: at(3) });
    expect((await run.judgements(judged, 2)).map(({ by, score }) => [by, score])).toEqual([
      ['bob', 0],
      ['ann', 0.5],
    ]);
    await run.judge({ ...ann, ...back, at: at(4) }, { ...bob, ...back, at: at(4) }, { ...judged, name: 'last' });
    await eventually(
      () => run.judgements(judged, 0),
      (all) => all.length === 1 && all[0]?.name === 'last',
    );
  });

  it('counts the same once, however often it is sent', async () => {
    const judged = newCall();
    await run.call(judged);
    const by = { ...judged, by: 'ann' };
    for (let time = 0; time < 3; time += 1) await run.judge(judged, by, { ...by, score: 0 });
    await run.judge({ ...judged, name: 'last' });
    const kept = await eventually(
      () => run.judgements(judged, 0),
      (all) => all.some(({ name }) => name === 'last'),
    );
    expect(kept.map(({ name, score, by: who }) => [name, score, who])).toEqual([
      ['helpful', 0, 'ann'],
      ['helpful', 1, undefined],
      ['last', 1, undefined],
    ]);
  });
});
