/** Calls that nobody could attribute become known when a version is registered: through the real ingest and store. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InvocationRow } from '../../src/contract/invocation-log.ts';
import { AttributedBy } from '../../src/daemon/attribution/attributed-by.ts';
import { AttributeAgain, type AttributeAgainPace } from '../../src/daemon/attribution/attribute-again.ts';
import { callAttribution } from '../../src/daemon/attribution/call-attribution.ts';
import { contentPolicies } from '../../src/ingest/content/policy.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { sleep } from '../../src/lib/limits.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createTrafficLog } from '../../src/store/telemetry/traffic-log.ts';
import {
  chatAttributes,
  createIngest,
  eventually,
  hexId,
  logsBody,
  openStore,
  tracesBody,
  type OpenStore,
} from '../ingest/harness.ts';
import { held, pin, variant, version } from '../support/prompts.ts';
import { SILENT_LOG, TestRegistry } from './setup.ts';

const QUICK: AttributeAgainPace = { gatherMs: 1, batchTraces: 3, pauseMs: 1, retryMs: 20, settledMs: 1 };

const ALWAYS_AGAIN = { covers: async () => false, write: async () => undefined };

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

/** Each test has a prompt of its own, so that calls of others don't matter. */
function prompt(name: string) {
  const text = `You are the assistant of the department ${name}, and you answer briefly.`;
  return { text, v1: version('1', text, { prompt: name }), v2: version('2', `${text} In French.`, { prompt: name }) };
}

function attributing(registry: TestRegistry, limits = {}): Ingest {
  return createIngest(store.telemetry, {
    policies: contentPolicies({ default: 'full', environments: { sealed: 'hash_only' }, redact: [] }),
    attribute: callAttribution(
      (query) => registry.desk.attributeTraffic(query),
      (name) => registry.view.ownerOf(name),
    ),
    limits,
  });
}

async function send(ingest: Ingest, texts: readonly string[], user = 'hello', environment = 'production') {
  const startMs = Date.now() - 60_000;
  const spans = texts.map((text, index) => ({
    traceId: hexId(16),
    startMs: startMs + index,
    environment,
    attributes: chatAttributes(text, [{ role: 'user', text: user }], 'hi'),
  }));
  const answer = await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
  expect(answer.outcome).toBe('durable');
  return spans.map(({ traceId }) => traceId);
}

/** Kind, prompt and version of each call, once there are so many and all are as wanted. */
async function calls(
  traceIds: readonly string[],
  isRight: (row: InvocationRow) => boolean,
): Promise<readonly string[]> {
  const read = async (): Promise<readonly InvocationRow[]> => {
    const pages = await Promise.all(traceIds.map((traceId) => store.invocations.list({ traceId }, { limit: 10 })));
    return pages.flatMap(({ items }) => items);
  };
  const rows = await eventually(read, (found) => found.length === traceIds.length && found.every(isRight));
  return rows.map((row) => `${row.attribution} ${row.prompt ?? '-'} ${row.version ?? '-'} ${row.owner ?? '-'}`);
}

function again(ingest: Ingest, pace: Partial<AttributeAgainPace> = {}): AttributeAgain {
  return new AttributeAgain({
    traffic: createTrafficLog(store.database),
    resettle: (traceIds) => ingest.resettle(traceIds),
    ids: () => new Set(),
    done: ALWAYS_AGAIN,
    clock: systemClock,
    log: SILENT_LOG,
    pace: { ...QUICK, ...pace },
  });
}

async function using(ingest: Ingest, work: () => Promise<void>): Promise<void> {
  await ingest.start();
  try {
    await work();
  } finally {
    await ingest.stop(5_000);
  }
}

const isUnknown = (row: InvocationRow): boolean => row.attribution === 'unknown';
const isKnown = (row: InvocationRow): boolean => row.version !== null;

describe('a version that is registered later', () => {
  test('is not looked for by a daemon that does not start', async () => {
    const asked: string[] = [];
    const attributeAgain = new AttributeAgain({
      traffic: createTrafficLog(store.database),
      resettle: () => {},
      ids: () => {
        asked.push('ids');
        return new Set();
      },
      done: ALWAYS_AGAIN,
      clock: systemClock,
      log: SILENT_LOG,
      pace: QUICK,
    });
    attributeAgain.request();
    await sleep(100);
    expect(asked).toEqual([]);
    await attributeAgain.start();
    await eventually(
      () => Promise.resolve(asked),
      ({ length }) => length > 0,
    );
    await attributeAgain.stop();
  });

  test('is found in calls that were stored as unknown, in more traces than fit a batch', async () => {
    const { text, v1 } = prompt('later');
    const registry = new TestRegistry([], []);
    const ingest = attributing(registry);
    await using(ingest, async () => {
      const traces = await send(
        ingest,
        Array.from({ length: 8 }, () => text),
      );
      expect(new Set(await calls(traces, isUnknown))).toEqual(new Set(['unknown - - -']));
      registry.change([v1], [pin(v1)]);
      const attributeAgain = again(ingest);
      await attributeAgain.start();
      attributeAgain.request();
      expect(new Set(await calls(traces, isKnown))).toEqual(new Set(['exact later 1 data-platform']));
      await attributeAgain.stop();
    });
  });

  test('is found when the traces have left the memory, long texts and all, also after a restart', async () => {
    const { text, v1 } = prompt('forgotten');
    const long = 'What does the contract say about this? '.repeat(200);
    const registry = new TestRegistry([], []);
    let traces: readonly string[] = [];
    const first = attributing(registry, { retainMs: 1 });
    await using(first, async () => {
      traces = await send(first, [text, text], long);
      await calls(traces, isUnknown);
    });
    registry.change([v1], [pin(v1)]);
    const second = attributing(registry);
    await using(second, async () => {
      const attributeAgain = again(second);
      await attributeAgain.start();
      attributeAgain.request();
      expect(await calls(traces, isKnown)).toEqual(Array(2).fill('exact forgotten 1 data-platform'));
      await attributeAgain.stop();
    });
  });

  test('is found in calls that were counted under a live text', async () => {
    const { v1, v2 } = prompt('edited');
    const registry = new TestRegistry([v1], [pin(v1)]);
    const { body } = v2.variants[0];
    const live = body.kind === 'text' ? body.text : '';
    registry.desk.learn(held(live, { prompt: 'edited' }));
    const ingest = attributing(registry);
    await using(ingest, async () => {
      const traces = await send(ingest, [live]);
      expect(await calls(traces, isKnown)).toEqual([expect.stringMatching(/^exact edited unregistered:/)]);
      registry.change([v1, v2], [pin(v2)]);
      const attributeAgain = again(ingest);
      await attributeAgain.start();
      attributeAgain.request();
      expect(await calls(traces, (row) => row.version === '2')).toEqual(['exact edited 2 data-platform']);
      await attributeAgain.stop();
    });
  });

  test('with a template is found in a conversation whose other messages are long', async () => {
    const name = 'chat';
    const chat = variant({
      kind: 'chat',
      messages: [
        { role: 'system', content: 'You check contracts for the legal department, and cite the paragraph.' },
        { role: 'user', content: 'The contract to be checked is this one: {{ contract }}' },
      ],
    });
    const v1 = version('1', [chat], { prompt: name });
    const registry = new TestRegistry([], []);
    let traces: readonly string[] = [];
    const system = 'You check contracts for the legal department, and cite the paragraph.';
    const user = `The contract to be checked is this one: ${'whereas the party of the first part '.repeat(300)}`;
    const first = attributing(registry);
    await using(first, async () => {
      traces = await send(first, [system], user);
      await calls(traces, isUnknown);
    });
    registry.change([v1], [pin(v1)]);
    const second = attributing(registry);
    await using(second, async () => {
      const attributeAgain = again(second);
      await attributeAgain.start();
      attributeAgain.request();
      expect(await calls(traces, isKnown)).toEqual(['rendered chat 1 data-platform']);
      await attributeAgain.stop();
    });
  });
});

test('what was said of a text that was not kept stands, when its trace is settled again', async () => {
  const { text, v1 } = prompt('sealed');
  const registry = new TestRegistry([v1], [pin(v1)]);
  let traces: readonly string[] = [];
  const said = ['exact sealed 1 data-platform', 'unknown - - -'];
  const isSettled = (): boolean => true;
  const first = attributing(registry);
  await using(first, async () => {
    traces = await send(first, [text, `${text} And be quick.`], 'hello', 'sealed');
    expect(await calls(traces, isSettled)).toEqual(said);
  });
  const second = createIngest(store.telemetry, {
    attribute: () => ({ kind: 'unverifiable', prompt: null, version: null, owner: null }),
  });
  await using(second, async () => {
    // A judgement has the row written, whatever is said of the text.
    const rows = await Promise.all(traces.map((traceId) => store.invocations.list({ traceId }, { limit: 1 })));
    const judgements = rows.flatMap(({ items }) =>
      items.map(({ invocation: { traceId, spanId } }) => ({
        traceId,
        spanId,
        timeMs: Date.now(),
        eventName: 'gen_ai.evaluation.result',
        attributes: { 'gen_ai.evaluation.name': 'helpful', 'gen_ai.evaluation.score.label': 'yes' },
      })),
    );
    expect(judgements).toHaveLength(2);
    const answer = await second.accept({ signal: 'logs', encoding: 'json', body: logsBody(judgements) });
    expect(answer.outcome).toBe('durable');
    const isJudged = ({ invocation }: InvocationRow): boolean => invocation.evaluations.length === 1;
    expect(await calls(traces, isJudged)).toEqual(said);
    const judged = await Promise.all(traces.map((traceId) => store.invocations.list({ traceId }, { limit: 1 })));
    expect(judged.flatMap(({ items }) => items).every(isJudged)).toBe(true);
  });
});

describe('going through unknown calls', () => {
  const trace = (index: number) => ({ traceId: String(index), startedAt: systemClock.now() });

  /** What a pass asks for, without anything behind it. */
  function counted(answer: (pass: number) => Promise<readonly ReturnType<typeof trace>[]>) {
    let passes = 0;
    let resettled = 0;
    const attributeAgain = new AttributeAgain({
      traffic: {
        unattributed: async (_from, until) => {
          // The first question of a pass reaches up to now.
          if (Date.parse(until) < Date.now() - 1_800_000) return [];
          passes += 1;
          return answer(passes);
        },
      },
      resettle: (traceIds) => {
        resettled += traceIds.length;
      },
      ids: () => new Set(),
      done: ALWAYS_AGAIN,
      clock: systemClock,
      log: SILENT_LOG,
      pace: { ...QUICK, retryMs: 5 },
    });
    return { attributeAgain, passes: () => passes, resettled: () => resettled };
  }

  test('asked for during a run, there is another run, and only one', async () => {
    let open: (() => void) | null = null;
    const { attributeAgain, passes } = counted(
      (pass) => new Promise((resolve) => (pass === 1 ? (open = () => resolve([])) : resolve([]))),
    );
    await attributeAgain.start();
    attributeAgain.request();
    await eventually(async () => open !== null, Boolean);
    for (let more = 0; more < 5; more += 1) attributeAgain.request();
    (open as unknown as () => void)();
    await eventually(
      async () => passes(),
      (count) => count === 2,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(passes()).toBe(2);
    await attributeAgain.stop();
  });

  test('a restart asks the store nothing when all was gone through before, and something new is gone through', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'plumbline-again-'));
    const file = join(directory, 'data', 'attributed-by');
    let asked = 0;
    /** Returns how often the store was asked until the run was over, or failed. */
    const started = async (release: string, ids: readonly string[], fails = false): Promise<number> => {
      asked = 0;
      const over = Promise.withResolvers<void>();
      const done = new AttributedBy(file, release);
      const attributeAgain = new AttributeAgain({
        traffic: {
          unattributed: async () => {
            asked += 1;
            if (!fails) return [];
            over.resolve();
            throw new Error('The store is away.');
          },
        },
        resettle: () => {},
        ids: () => new Set(ids),
        done: {
          covers: async (now) => {
            const isCovered = await done.covers(now);
            if (isCovered) over.resolve();
            return isCovered;
          },
          write: async (now) => {
            await done.write(now);
            over.resolve();
          },
        },
        clock: systemClock,
        log: SILENT_LOG,
        pace: { ...QUICK, retryMs: 3_600_000 },
      });
      await attributeAgain.start();
      attributeAgain.request();
      await over.promise;
      await attributeAgain.stop();
      return asked;
    };
    // What was not finished is not done.
    expect(await started('1.0.0', ['a', 'b'], true)).toBe(1);
    expect(await started('1.0.0', ['a', 'b'])).toBeGreaterThan(1);
    expect(await started('1.0.0', ['b'])).toBe(0);
    expect(await started('1.0.0', ['a', 'b', 'c'])).toBeGreaterThan(1);
    expect(await started('1.0.0', ['a', 'b', 'c'])).toBe(0);
    // A later release may recognise more; a damaged file is none.
    expect(await started('1.1.0', ['a', 'b', 'c'])).toBeGreaterThan(1);
    await writeFile(file, '1.1.0\na\nb');
    expect(await started('1.1.0', ['a', 'b', 'c'])).toBeGreaterThan(1);
    await rm(directory, { recursive: true });
  });

  test('is tried again after the store failed', async () => {
    const { attributeAgain, resettled, passes } = counted(async (pass) => {
      if (pass < 3) throw new Error('The store is away.');
      return [trace(1), trace(2)];
    });
    await attributeAgain.start();
    attributeAgain.request();
    expect(
      await eventually(
        async () => resettled(),
        (count) => count === 2,
      ),
    ).toBe(2);
    expect(passes()).toBe(3);
    await attributeAgain.stop();
  });

  test('stops promptly, in the middle of waiting, and takes no more requests', async () => {
    const { attributeAgain, passes } = counted(async () => []);
    const waiting = new AttributeAgain({
      traffic: { unattributed: async () => [trace(1)] },
      resettle: () => {},
      ids: () => new Set(),
      done: ALWAYS_AGAIN,
      clock: systemClock,
      log: SILENT_LOG,
      pace: { gatherMs: 0, batchTraces: 1, pauseMs: 3_600_000, retryMs: 3_600_000 },
    });
    await waiting.start();
    waiting.request();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await waiting.stop();
    await attributeAgain.stop();
    await attributeAgain.start();
    attributeAgain.request();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(passes()).toBe(0);
  });
});

test('the list of open calls goes past traces that began at the same moment', async () => {
  const ingest = createIngest(store.telemetry);
  const startMs = Date.now() - 5 * 86_400_000;
  await using(ingest, async () => {
    const spans = Array.from({ length: 7 }, () => ({
      traceId: hexId(16),
      startMs,
      attributes: chatAttributes('the same moment', [], 'hi'),
    }));
    await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
    await calls(
      spans.map(({ traceId }) => traceId),
      isUnknown,
    );
    const traffic = createTrafficLog(store.database);
    const [from, until] = [-1, 1].map((hours) => new Date(startMs + hours * 3_600_000).toISOString());
    const at = (time: string | undefined) => `${time?.slice(0, 23)}000000Z` as ReturnType<typeof systemClock.now>;
    const seen: string[] = [];
    let after = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof traffic.unattributed>> = await traffic.unattributed(
        at(from),
        at(until),
        after,
        3,
      );
      seen.push(...page.map(({ traceId }) => traceId));
      after = page.at(-1) ?? null;
      if (page.length < 3) break;
    }
    expect(seen.toSorted()).toEqual(spans.map(({ traceId }) => traceId).toSorted());
  });
});
