/** One call, however its spans arrive: late, split, doubled, in two traces, in a very large trace. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TelemetryLog } from '../../src/contract/telemetry-log.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import {
  chatAttributes,
  createIngest,
  eventually,
  hexId,
  logsBody,
  openStore,
  send,
  withIngest,
  type OpenStore,
  type TestIngestOptions,
} from './harness.ts';
import { nested } from './nested-views.ts';
import { factsInMemory } from './window-facts.ts';

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

const WRAPPER = { 'openinference.span.kind': 'CHAIN' };

function run(options: TestIngestOptions, work: (ingest: Ingest) => Promise<void>): Promise<void> {
  return withIngest(store.telemetry, options, work);
}

const callsOf = (traceId: string) => async () => (await store.invocations.list({ traceId }, { limit: 100 })).items;
const isThere = (items: readonly unknown[]): boolean => items.length > 0;

/** Two traces that report one call under one response id. */
function twins() {
  const responseId = `chatcmpl-${hexId(8)}`;
  const attributes = chatAttributes('Answer.', [{ role: 'user', text: 'hello' }], 'hi', {
    'gen_ai.response.id': responseId,
  });
  const startMs = Date.now() - 2_000;
  const first = { traceId: hexId(16), spanId: hexId(8), startMs, durationMs: 900, service: responseId, attributes };
  const second = { ...first, traceId: hexId(16), spanId: hexId(8), startMs: startMs + 10, durationMs: 800 };
  const calls = async () => (await store.invocations.list({ service: responseId }, { limit: 10 })).items;
  return { first, second, calls };
}

describe('settling', () => {
  it('takes an outer span back when the inner one turns out to be the call, and keeps its content', async () => {
    const { traceId, outer, inner } = nested();
    await run({}, async (ingest) => {
      await send(ingest, outer);
      const first = await eventually(callsOf(traceId), isThere);
      expect(first.map(({ invocation }) => invocation.spanId)).toEqual([outer.spanId]);
      await send(ingest, inner);
      const second = await eventually(callsOf(traceId), ([call]) => call?.invocation.spanId === inner.spanId);
      expect(second).toHaveLength(1);
      expect(second[0]?.invocation.input?.at(-1)?.parts).toEqual([{ type: 'text', text: `hello ${traceId}` }]);
    });
  });

  it('does the same when the trace was long forgotten, and across a restart', async () => {
    const { traceId, outer, inner } = nested();
    const other = nested();
    await run({ limits: { retainMs: 1 } }, async (ingest) => {
      await send(ingest, outer, other.outer);
      await eventually(callsOf(traceId), isThere);
      await factsInMemory((facts) => facts === 0);
      await send(ingest, inner);
      const calls = await eventually(callsOf(traceId), ([call]) => call?.invocation.spanId === inner.spanId);
      expect(calls).toHaveLength(1);
      expect(calls[0]?.invocation.input?.at(-1)?.parts).toEqual([{ type: 'text', text: `hello ${traceId}` }]);
    });
    await run({}, async (ingest) => {
      await send(ingest, other.inner);
      const calls = await eventually(
        callsOf(other.traceId),
        ([call]) => call?.invocation.spanId === other.inner.spanId,
      );
      expect(calls).toHaveLength(1);
    });
  });

  it('counts a call once of which two replicas have a part each, also when both have forgotten theirs', async () => {
    const shared = { isShared: true, limits: { sightingsMs: 50, retainMs: 1 } };
    const { traceId, outer, inner } = nested();
    const { first, second, calls: twinCalls } = twins();
    await run(shared, (one) =>
      run(shared, async (other) => {
        await Promise.all([send(one, outer, first), send(other, inner, second)]);
        const calls = await eventually(
          callsOf(traceId),
          ([call, more]) =>
            more === undefined && call?.invocation.spanId === inner.spanId && call?.invocation.input?.length === 2,
        );
        expect(calls).toHaveLength(1);
        expect(calls[0]?.invocation.input?.at(-1)?.parts).toEqual([{ type: 'text', text: `hello ${traceId}` }]);
        const isOne = ([call, more]: Awaited<ReturnType<typeof twinCalls>>): boolean =>
          more === undefined && call?.invocation.spanId === second.spanId;
        expect(await eventually(twinCalls, isOne)).toSatisfy(isOne);
      }),
    );
  });

  it('counts a call once that two traces report under one response id, however late the second', async () => {
    const { first, second, calls } = twins();
    await run({ limits: { retainMs: 1 } }, async (ingest) => {
      await send(ingest, first);
      await eventually(calls, isThere);
      await factsInMemory((facts) => facts === 0);
      await send(ingest, second);
      const items = await eventually(calls, ([call]) => call?.invocation.spanId === second.spanId);
      expect(items).toHaveLength(1);
    });
  });

  it('counts each call of an agent once that a gateway reports from a trace for each call', async () => {
    const [service, agentTrace] = [`agent-${hexId(8)}`, hexId(16)];
    const startMs = Date.now() - 200_000;
    const views = Array.from({ length: 100 }, (_, index) => {
      const attributes = chatAttributes('Answer.', [{ role: 'user', text: `step ${index}` }], 'done', {
        'gen_ai.response.id': `chatcmpl-${service}-${index}`,
      });
      const [begin, durationMs] = [startMs + index * 1_000, 900];
      const view = { traceId: agentTrace, spanId: hexId(8), startMs: begin, durationMs, service, attributes };
      return [view, { ...view, traceId: hexId(16), spanId: hexId(8), startMs: begin + 10, durationMs: 800 }] as const;
    });
    const calls = async () => (await store.invocations.list({ service }, { limit: 1_000 })).items;
    await run({}, async (ingest) => {
      for (let at = 0; at < views.length; at += 20) {
        await send(ingest, ...views.slice(at, at + 20).flat());
        await eventually(calls, (items) => items.length === at + 20, 10_000);
      }
    });
    expect(await calls()).toHaveLength(views.length);
  });

  it('looks for views of what comes while the store is asked about the rest of its trace', async () => {
    const service = hexId(8);
    const startMs = Date.now() - 2_000;
    const view = (responseId: string, traceId: string, startedMs: number, durationMs: number) => ({
      traceId,
      spanId: hexId(8),
      startMs: startedMs,
      durationMs,
      service,
      attributes: chatAttributes('Answer.', [{ role: 'user', text: 'hello' }], 'hi', {
        'gen_ai.response.id': responseId,
      }),
    });
    const [one, other] = [hexId(8), hexId(8)];
    const traceId = hexId(16);
    const [late, later] = [view(one, traceId, startMs + 10, 700), view(other, traceId, startMs + 20, 700)];
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isHeld = false;
    const log: TelemetryLog = {
      ...store.telemetry,
      factsSharing: async (...question) => {
        if (isHeld) asked.resolve();
        if (isHeld) await answer.promise;
        return store.telemetry.factsSharing(...question);
      },
    };
    const spans = async () =>
      (await store.invocations.list({ service }, { limit: 10 })).items.map(({ invocation }) => invocation.spanId);
    await run({ log, limits: { retainMs: 1 } }, async (ingest) => {
      await send(ingest, view(one, hexId(16), startMs, 800), view(other, hexId(16), startMs, 800));
      await eventually(spans, ({ length }) => length === 2);
      await factsInMemory((facts) => facts === 0);
      isHeld = true;
      await send(ingest, late);
      await asked.promise;
      await send(ingest, later);
      await factsInMemory((facts) => facts === 2);
      isHeld = false;
      answer.resolve();
      expect(await eventually(spans, (all) => all[0] === later.spanId)).toEqual([later.spanId, late.spanId]);
    });
  });

  it('keeps each of the calls without a trace that are known under one id, however late the next', async () => {
    const session = hexId(8);
    const calls = async () => {
      const { items } = await store.invocations.list({ service: 'shop' }, { limit: 1_000 });
      return items.map(({ invocation }) => invocation).filter(({ conversationId }) => conversationId === session);
    };
    const startMs = Date.now() - 120_000;
    await run({}, async (ingest) => {
      for (const tokens of [10, 20, 30]) {
        const attributes = {
          'session.id': session,
          request_id: `req_${session}`,
          model: 'claude-sonnet-4-5',
          duration_ms: 1_000,
          input_tokens: tokens,
          output_tokens: tokens,
        };
        const log = { timeMs: startMs + tokens * 1_000, eventName: 'claude_code.api_request', attributes };
        const answer = await ingest.accept({ signal: 'logs', encoding: 'json', body: logsBody([log]) });
        expect(answer.outcome).toBe('durable');
        const found = await eventually(calls, (items) => items.some(({ tokens: { input } }) => input === tokens));
        expect(found.map((call) => call.tokens.input)).toEqual([30, 20, 10].filter((each) => each <= tokens));
      }
    });
  });

  it('writes a row of a call once, and again only when something changed', async () => {
    const { traceId, ...views } = nested();
    const startMs = Date.now() - 2_000;
    const [outer, inner] = [
      { ...views.outer, startMs },
      { ...views.inner, startMs },
    ];
    const written: string[] = [];
    const telemetry: TelemetryLog = {
      ...store.telemetry,
      insertLines: (lane, lines) => {
        if (lane === 'invocations') written.push(...lines.toString().trim().split('\n'));
        return store.telemetry.insertLines(lane, lines);
      },
    };
    const ingest = createIngest(telemetry);
    await ingest.start();
    await send(ingest, inner);
    await eventually(callsOf(traceId), isThere);
    await send(ingest, inner, inner);
    await send(ingest, outer);
    await eventually(callsOf(traceId), ([call]) => call?.invocation.input?.length === 2);
    await ingest.stop(5_000);
    const rows = written.map((line) => JSON.parse(line) as { span_id: string; input: string });
    expect(rows.map(({ span_id, input }) => [span_id, (JSON.parse(input) as unknown[]).length])).toEqual([
      [inner.spanId, 1],
      [inner.spanId, 2],
    ]);
  });

  it('attributes from the instruction text, also when it is no longer in memory', async () => {
    const system = `You are ${hexId(16)}. ${'Be helpful. '.repeat(10)}`;
    const asked: (string | undefined)[] = [];
    const attribute: NonNullable<Parameters<typeof createIngest>[1]>['attribute'] = (call) => {
      asked.push(call.instruction?.text);
      expect(call.messages?.[0]).toEqual({ role: 'system', content: system });
      return { kind: 'exact', prompt: 'support.hello', version: '3', owner: 'data' };
    };
    const traceId = hexId(16);
    const attributes = chatAttributes(system, [{ role: 'user', text: 'x' }], 'y');
    await run({ attribute, limits: { retainMs: 1 } }, async (ingest) => {
      await send(ingest, { traceId, attributes });
      const [row] = await eventually(callsOf(traceId), isThere);
      expect(row).toMatchObject({ prompt: 'support.hello', version: '3', owner: 'data', attribution: 'exact' });
    });
    // A new process remembers no text.
    await run({ attribute }, async (ingest) => {
      await send(ingest, { traceId, name: 'late', spanId: hexId(8), attributes: WRAPPER });
      await eventually(
        () => Promise.resolve(asked),
        ({ length }) => length > 1,
      );
    });
    expect(asked.every((text) => text === system)).toBe(true);
    const since = '2020-01-01T00:00:00.000000000Z' as never;
    const where = { prompt: 'support.hello', environment: 'production' };
    expect(await store.invocations.affected({ ...where, contents: [{ version: '3', since }] })).toBe(1);
    expect(await store.invocations.affected({ ...where, contents: [{ version: '2', since }] })).toBe(0);
  });

  it.each([{ traceFactsMax: 1_000 }, { traceBytesMax: 256 * 1024, windowBytesMax: 512 * 1024 }])(
    'settles a trace of thousands of spans that keeps growing, and is larger than its limit %j',
    async (limits) => {
      const traceId = hexId(16);
      const root = hexId(8);
      const spans = Array.from({ length: 3_000 }, (_, index) => ({
        traceId,
        parentSpanId: root,
        attributes: chatAttributes('Answer.', [{ role: 'user', text: `question ${index}` }], 'hi'),
      }));
      await run({ limits }, async (ingest) => {
        for (let start = 0; start < spans.length; start += 500) await send(ingest, ...spans.slice(start, start + 500));
        const count = async () => {
          const [row] = await store.database.query<{ calls: string }>(
            'SELECT count() AS calls FROM invocations FINAL WHERE trace_id = {traceId:String} AND is_deleted = 0',
            { traceId },
          );
          return Number(row?.calls);
        };
        expect(await eventually(count, (calls) => calls === spans.length)).toBe(spans.length);
      });
    },
  );

  it('settles what came to a trace while it was being written, also when it became too large then', async () => {
    const traceId = hexId(16);
    const parentSpanId = hexId(8);
    const attributes = chatAttributes('Answer.', [{ role: 'user', text: 'question' }], 'hi');
    const spans = Array.from({ length: 60 }, () => ({ traceId, parentSpanId, attributes }));
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isWriting = false;
    const telemetry: TelemetryLog = {
      ...store.telemetry,
      insertLines: async (lane, lines) => {
        if (lane === 'invocations' && !isWriting) {
          isWriting = true;
          await gate;
        }
        return store.telemetry.insertLines(lane, lines);
      },
    };
    const count = (table: string, column: string) => async () => {
      const [row] = await store.database.query<{ rows: string }>(
        `SELECT uniqExact(${column}) AS rows FROM ${table} WHERE trace_id = {traceId:String}`,
        { traceId },
      );
      return Number(row?.rows);
    };
    const ingest = createIngest(telemetry, { limits: { traceFactsMax: 100, quietMs: 50, provisionalMs: 100 } });
    await ingest.start();
    await send(ingest, ...spans);
    await eventually(
      () => Promise.resolve(isWriting),
      (is) => is,
    );
    await send(ingest, ...spans);
    await factsInMemory((facts) => facts === 120);
    release();
    expect(await eventually(count('invocations', 'span_id'), (calls) => calls === 120)).toBe(120);
    await ingest.stop(5_000);
  });

  it('takes nothing back of a trace of which it can only read a part', async () => {
    const traceId = hexId(16);
    const parentSpanId = hexId(8);
    const attributes = chatAttributes('Answer.', [{ role: 'user', text: 'question' }], 'hi');
    const spans = Array.from({ length: 300 }, () => ({ traceId, parentSpanId, attributes }));
    const count = async () => {
      const [row] = await store.database.query<{ calls: string }>(
        'SELECT count() AS calls FROM invocations FINAL WHERE trace_id = {traceId:String} AND is_deleted = 0',
        { traceId },
      );
      return Number(row?.calls);
    };
    await run({}, async (ingest) => {
      await send(ingest, ...spans);
      await eventually(count, (calls) => calls === 300);
    });
    // Another process, which settles fewer together than there are.
    await run({ limits: { traceFactsMax: 100 } }, async (ingest) => {
      await send(ingest, { traceId, parentSpanId, attributes });
      expect(await eventually(count, (calls) => calls !== 300)).toBe(301);
    });
  });
});
