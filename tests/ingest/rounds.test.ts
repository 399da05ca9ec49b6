/** How often calls are written: each insert costs the store the same, however few rows it has. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { factsInMemory } from './window-facts.ts';
import type { TelemetryLog } from '../../src/contract/telemetry-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { millisFromTimestamp } from '../../src/lib/time.ts';
import { sleep } from '../../src/lib/limits.ts';
import { TurnableClock } from '../support/turnable-clock.ts';
import { chatAttributes, eventually, openStore, send, withIngest, type OpenStore, type SpanDraft } from './harness.ts';

const NOON = '2026-11-20T12:00:00.000000000Z' as Timestamp;
const EVERY_MS = 1_000;
const LIMITS = { quietMs: 0, provisionalMs: 0, roundEveryMs: EVERY_MS, retainMs: 3_600_000 };
const NEWLINE = 10;
// Of the settler: nothing else would begin a round.
const SOME_TICKS_MS = 700;

let store: OpenStore;

beforeAll(async () => {
  store = await openStore();
});

afterAll(() => store.database.close());

/** The store, how many calls each insert had, and what waits for so many inserts. */
function countingInserts() {
  const calls: number[] = [];
  const insertLines: TelemetryLog['insertLines'] = async (lane, lines) => {
    await store.telemetry.insertLines(lane, lines);
    if (lane === 'invocations') calls.push(lines.filter((byte) => byte === NEWLINE).length);
  };
  const come = (count: number): Promise<number> =>
    eventually(
      () => Promise.resolve(calls.length),
      (now) => now === count,
    );
  return { telemetry: { ...store.telemetry, insertLines }, calls, come };
}

/** Each in a trace of its own. */
function callsOf(count: number, clock: TurnableClock): SpanDraft[] {
  const startMs = millisFromTimestamp(clock.now()) - 1_000;
  const attributes = chatAttributes('Answer.', [{ role: 'user', text: 'hello' }], 'hi');
  return Array.from({ length: count }, () => ({ startMs, attributes }));
}

const isLoaded = (facts: number): Promise<void> => factsInMemory((now) => now >= facts);

it('writes calls that come one by one together, and does not wait when it stops', async () => {
  const clock = new TurnableClock(NOON);
  const inserts = countingInserts();
  await withIngest(inserts.telemetry, { clock, limits: LIMITS }, async (ingest) => {
    await send(ingest, ...callsOf(1, clock));
    await inserts.come(1);
    await send(ingest, ...callsOf(1, clock));
    await send(ingest, ...callsOf(1, clock));
    await isLoaded(3);
    await sleep(SOME_TICKS_MS);
    expect(inserts.calls).toEqual([1]);
    clock.advance(EVERY_MS);
    await inserts.come(2);
    await send(ingest, ...callsOf(1, clock));
  });
  expect(inserts.calls).toEqual([1, 2, 1]);
});

it('does not rest while more is due than one round takes', async () => {
  const clock = new TurnableClock(NOON);
  const inserts = countingInserts();
  await withIngest(inserts.telemetry, { clock, limits: LIMITS }, async (ingest) => {
    await send(ingest, ...callsOf(1, clock));
    await inserts.come(1);
    for (let sent = 0; sent < 20_000; sent += 1_000) await send(ingest, ...callsOf(1_000, clock));
    await isLoaded(20_001);
    clock.advance(EVERY_MS);
    await inserts.come(3);
    expect(inserts.calls).toEqual([1, 10_000, 10_000]);
  });
});
