/** What replicas on one store tell each other: late, in a last moment, and with clocks that differ. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TelemetryLog } from '../../src/contract/telemetry-log.ts';
import type { Clock } from '../../src/contract/time.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import {
  chatAttributes,
  eventually,
  hexId,
  openStore,
  send,
  withIngest,
  type OpenStore,
  type TestIngestOptions,
  type SpanDraft,
} from './harness.ts';
import { nested } from './nested-views.ts';

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

function run(options: TestIngestOptions, work: (ingest: Ingest) => Promise<void>): Promise<void> {
  return withIngest(store.telemetry, options, work);
}

const callsOf = (traceId: string) => async () => (await store.invocations.list({ traceId }, { limit: 100 })).items;
const isThere = (items: readonly unknown[]): boolean => items.length > 0;

it('has the other replica mend what one has written in its last moment', async () => {
  const { traceId, outer, inner } = nested();
  const held = Promise.withResolvers<void>();
  let isWriting = false;
  // It hears nothing more, and what it settles without the other's half is written last.
  const deaf: TelemetryLog = {
    ...store.telemetry,
    sightings: () => Promise.resolve([]),
    insertLines: async (lane, lines) => {
      isWriting ||= lane === 'invocations';
      if (lane === 'invocations') await held.promise;
      await store.telemetry.insertLines(lane, lines);
    },
  };
  const spans = async () => (await callsOf(traceId)()).map(({ invocation }) => invocation.spanId);
  await run({ isShared: true, limits: { sightingsMs: 50 } }, async (other) => {
    await run({ log: deaf, isShared: true }, async (stopping) => {
      await send(stopping, outer);
      await eventually(
        () => Promise.resolve(isWriting),
        (is) => is,
      );
      await send(other, inner);
      // The content is from the half that it was told of: it hears nothing after that.
      await eventually(callsOf(traceId), ([call]) => call !== undefined && call.invocation.input !== null);
      held.resolve();
      await eventually(spans, ({ length }) => length === 2);
    });
    expect(await eventually(spans, ({ length }) => length === 1)).toEqual([inner.spanId]);
  });
});

it('hears what another replica told, although a busy store took most of a minute for it', async () => {
  const { traceId, outer, inner } = nested();
  // It hears nothing itself.
  const slow: TelemetryLog = {
    ...store.telemetry,
    sightings: () => Promise.resolve([]),
    insertLines: (lane, lines) => {
      const at = addMillis(systemClock.now(), -55_000);
      const text = Buffer.from(lines).toString();
      const said = lane === 'sightings' ? text.replaceAll('{"replica"', `{"at":"${at}","replica"`) : text;
      return store.telemetry.insertLines(lane, Buffer.from(said));
    },
  };
  const spans = async () => (await callsOf(traceId)()).map(({ invocation }) => invocation.spanId);
  // Of what began before that it would look in the store, as it has just been started.
  const startMs = Date.now() + 120_000;
  await run({ isShared: true, limits: { sightingsMs: 50 } }, async (other) => {
    await run({ log: slow, isShared: true }, async (one) => {
      await send(other, { ...inner, startMs });
      await eventually(spans, isThere);
      await send(one, { ...outer, startMs });
    });
    const calls = await eventually(callsOf(traceId), ([call, more]) => {
      return more === undefined && call?.invocation.input?.length === 2;
    });
    expect(calls.map(({ invocation }) => invocation.spanId)).toEqual([inner.spanId]);
  });
});

it('corrects what a replica has written whose clock was ahead, and that is gone', async () => {
  const { traceId, outer, inner } = nested();
  const ahead = { ...systemClock, now: () => addMillis(systemClock.now(), 3_600_000) };
  const spans = async () => (await callsOf(traceId)()).map(({ invocation }) => invocation.spanId);
  await run({ isShared: true, limits: { sightingsMs: 50 } }, async (other) => {
    await run({ isShared: true, clock: ahead, horizon: new KnowledgeHorizon(ahead) }, async (wrong) => {
      await send(wrong, outer);
      await eventually(spans, isThere);
    });
    await send(other, inner);
    expect(await eventually(spans, ([call, more]) => call === inner.spanId && more === undefined)).toEqual([
      inner.spanId,
    ]);
  });
});

it('shows what comes to a large trace of which each has a part, while all of it has to wait', async () => {
  let slowMs = 0;
  const clock: Clock = { now: () => systemClock.now(), monotonicMs: () => systemClock.monotonicMs() + slowMs };
  // The first time that a replica settles its part takes so long that the whole waits for twenty minutes.
  const slowAtFirst = () => {
    let left = 1_100;
    return () => {
      if (left > 0) slowMs += 60;
      left -= 1;
      return { kind: 'unknown', prompt: null, version: null, owner: null } as const;
    };
  };
  const [traceId, root] = [hexId(16), hexId(8)];
  const attributes = chatAttributes('Answer.', [{ role: 'user', text: 'question' }], 'hi');
  const callIn = (parentSpanId: string): SpanDraft => ({ traceId, parentSpanId, spanId: hexId(8), attributes });
  const spans = Array.from({ length: 2_200 }, () => callIn(root));
  const outer = Array.from({ length: 100 }, () => callIn(root));
  const inner = outer.map(({ spanId = '' }) => callIn(spanId));
  const calls = async (): Promise<readonly string[]> => {
    const rows = await store.database.query<{ span_id: string }>(
      'SELECT span_id FROM invocations FINAL WHERE trace_id = {traceId:String} AND is_deleted = 0 ORDER BY span_id',
      { traceId },
    );
    return rows.map((row) => row.span_id);
  };
  const limits = { sightingsMs: 50, retainMs: 3_600_000 };
  const shared = { isShared: true, clock, limits };
  await run({ ...shared, attribute: slowAtFirst() }, (one) =>
    run({ ...shared, attribute: slowAtFirst() }, async (other) => {
      await Promise.all([send(one, ...spans.slice(0, 1_100)), send(other, ...spans.slice(1_100))]);
      await eventually(calls, ({ length }) => length === spans.length);
      // Each knows what the other has.
      await send(one, callIn(root));
      await eventually(calls, ({ length }) => length === spans.length + 1);
      await Promise.all([send(one, ...outer), send(other, ...inner)]);
      const isRight = (ids: readonly string[]): boolean =>
        ids.length === spans.length + 1 + inner.length && inner.every(({ spanId = '' }) => ids.includes(spanId));
      expect(await eventually(calls, isRight)).toSatisfy(isRight);
    }),
  );
});

it('settles a trace of which others tell all the time', async () => {
  const { traceId, inner } = nested();
  const received = { first: systemClock.now(), last: systemClock.now() };
  let number = 0;
  // More often than it can be read.
  const told: TelemetryLog = {
    ...store.telemetry,
    sightings: () => {
      number += 1;
      const sighting = { replica: 'other', number, traces: [traceId], keys: [], received, repriced: null };
      return Promise.resolve(number % 2 === 0 ? [] : [sighting]);
    },
    factsOfTraces: async (...asked) => {
      await sleep(100);
      return store.telemetry.factsOfTraces(...asked);
    },
  };
  await run({ log: told, isShared: true, limits: { sightingsMs: 10 } }, async (ingest) => {
    await send(ingest, inner);
    expect(await eventually(callsOf(traceId), isThere)).toHaveLength(1);
  });
});
