/** Whether senders wait for what they sent to be loaded and settled, and never when that would be in vain. */

import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { TelemetryLane, TelemetryLog } from '../../src/contract/telemetry-log.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import type { IngestLimits } from '../../src/ingest/limits.ts';
import { Pace } from '../../src/ingest/loading/pace.ts';
import { Lateness } from '../../src/ingest/settling/lateness.ts';
import { sleep } from '../../src/lib/limits.ts';
import { chatAttributes, eventually, hexId, openStore, send, withIngest } from './harness.ts';

describe('the pace of requests', () => {
  async function looksUntilGo(isBehindFor: number): Promise<number> {
    let looks = 0;
    const pace = new Pace(() => {
      looks += 1;
      return looks <= isBehindFor;
    }, 100);
    await pace.wait();
    return looks;
  }

  it('is the senders’ own while loading keeps up', async () => {
    expect(await looksUntilGo(0)).toBe(1);
  });

  it('is that of loading while it is behind, for so long at most', async () => {
    expect(await looksUntilGo(3)).toBe(4);
    expect(await looksUntilGo(Infinity)).toBe(5);
  });
});

describe('how far settling is behind', () => {
  it('is how long what is due waits for the round that goes on', () => {
    const lateness = new Lateness();
    lateness.looked(1_000, 5_000, false);
    expect(lateness.at(1_400)).toBe(400);
    lateness.looked(2_000, 5_000, true);
    expect(lateness.at(2_400)).toBe(400);
    // Some of it was left out then.
    lateness.looked(3_000, 5_000, false);
    expect(lateness.at(3_400)).toBe(1_400);
    lateness.cutShort();
    lateness.looked(4_000, 5_000, false);
    expect(lateness.at(4_400)).toBe(1_400);
  });

  it('is nothing while there is little to settle, or the store fails', () => {
    const lateness = new Lateness();
    lateness.looked(1_000, 999, false);
    expect(lateness.at(60_000)).toBe(0);
    lateness.looked(1_000, 1_000, false);
    expect(lateness.at(60_000)).toBe(59_000);
    lateness.failed();
    expect(lateness.at(60_000)).toBe(0);
  });
});

describe('an ingest', () => {
  // So long that a test which waits for it in vain does not end in its time.
  // And the lag is longer than a busy machine takes from the beginning of a round to its first insert.
  const FOREVER: Partial<IngestLimits> = { pacedLagMs: 1_000, pacedMsMax: 600_000 };
  const MANY = 2_500;

  async function sendMany(ingest: Ingest): Promise<void> {
    const attributes = chatAttributes('Answer.', [{ role: 'user', text: 'Question.' }], hexId(500));
    await send(ingest, ...Array.from({ length: MANY }, () => ({ traceId: hexId(16), spanId: hexId(8), attributes })));
  }

  /** Inserts into this table do not end until it is opened. */
  function gate(telemetry: TelemetryLog, gated: TelemetryLane) {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    let isHeld = false;
    const insertLines: TelemetryLog['insertLines'] = async (lane, lines) => {
      if (lane === gated) {
        isHeld = true;
        await opened;
      }
      await telemetry.insertLines(lane, lines);
    };
    return { log: { ...telemetry, insertLines }, open, isHeld: () => isHeld };
  }

  it.each(['span_facts', 'invocations'] as const)('has senders wait while %s are written slowly', async (lane) => {
    const { database, telemetry } = await openStore();
    const { log, open, isHeld } = gate(telemetry, lane);
    await withIngest(log, { limits: FOREVER }, async (ingest) => {
      await sendMany(ingest);
      await eventually(() => Promise.resolve(isHeld()), Boolean);
      await sendMany(ingest);
      // What waits grows old.
      await sleep(1_500);
      const waiting = send(ingest, { spanId: hexId(8), attributes: chatAttributes('Answer.', [], 'Be brief.') });
      expect(await Promise.race([waiting.then(() => 'taken'), sleep(500).then(() => 'waits')])).toBe('waits');
      open();
      await waiting;
    });
    await database.close();
  });

  it.each(['span_facts', 'invocations'] as const)(
    'takes at once what comes while %s can’t be written',
    async (lane) => {
      const { database, telemetry } = await openStore();
      let refused = 0;
      const insertLines: TelemetryLog['insertLines'] = async (into, lines) => {
        if (into !== lane) return telemetry.insertLines(into, lines);
        refused += 1;
        throw new Fault('transient', 'No.');
      };
      await withIngest({ ...telemetry, insertLines }, { limits: FOREVER }, async (ingest) => {
        await sendMany(ingest);
        await eventually(() => Promise.resolve(refused), Boolean);
        const before = ingest.waitingBytes;
        for (let times = 0; times < 3; times += 1) {
          await sendMany(ingest);
          await sleep(200);
        }
        expect(ingest.waitingBytes).toBeGreaterThan(before);
      });
      await database.close();
    },
  );
});
