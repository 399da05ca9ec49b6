/** What replicas on one store tell each other: late, in a last moment, and with clocks that differ. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TelemetryLog } from '../../src/contract/telemetry-log.ts';
import type { Ingest, IngestOptions } from '../../src/ingest/ingest.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { eventually, openStore, send, withIngest, type OpenStore } from './harness.ts';
import { nested } from './nested-views.ts';

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

function run(options: Partial<IngestOptions>, work: (ingest: Ingest) => Promise<void>): Promise<void> {
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
