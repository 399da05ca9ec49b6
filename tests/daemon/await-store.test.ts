/** How the daemon waits for a store: what it tries again, what ends it, and what it says. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import { awaitStore, type AwaitStoreOptions } from '../../src/daemon/start/await-store.ts';
import { sleep } from '../../src/lib/limits.ts';

const AWAY = new Fault('transient', 'connect ECONNREFUSED 10.0.0.1:8123.');
const BUSY = new Fault('overloaded', 'Too many queries.');
const WRONG = new Fault('config', 'Authentication failed.');

let said: string[];
let reasons: string[];
let stopping: AbortController;
beforeEach(() => {
  said = [];
  reasons = [];
  stopping = new AbortController();
});
afterEach(() => stopping.abort());

const says =
  (level: string) =>
  (_fields: object, message: string): void => {
    said.push(`${level} ${message}`);
  };

/** Attempts end as told, one after the other. */
function waitFor(outcomes: readonly (Fault | string)[], more: Partial<AwaitStoreOptions<string>> = {}) {
  let attempt = 0;
  const open = async (): Promise<string> => {
    const outcome = outcomes[attempt++] ?? 'too often';
    if (typeof outcome === 'string') return outcome;
    throw outcome;
  };
  const options = {
    address: 'http://clickhouse:8123',
    open,
    mayPass: (error: unknown) => error !== WRONG,
    onWaiting: (reason: string) => void reasons.push(reason),
    log: { info: says('info'), warn: says('warn'), error: says('error') },
    pace: { pauseMs: 1, pauseMsMax: 4, silentMs: 60_000 },
    ...more,
  };
  return awaitStore(options, stopping.signal);
}

test('a store that is there is not waited for, and nothing is said', async () => {
  expect(await waitFor(['store'])).toBe('store');
  expect([said, reasons]).toEqual([[], []]);
});

test('what may pass is tried again; the log says when it begins, when the reason is another, and when it is over', async () => {
  expect(await waitFor([AWAY, AWAY, AWAY, BUSY, BUSY, 'store'])).toBe('store');
  expect(said).toEqual([
    'warn waiting for the store; telemetry is taken meanwhile, and waits on the disk',
    'warn waiting for the store; telemetry is taken meanwhile, and waits on the disk',
    'info the store is there',
  ]);
  expect(reasons).toEqual([...Array.from({ length: 3 }, () => AWAY.message), BUSY.message, BUSY.message]);
});

test('what time does not mend ends it, at once or after a wait', async () => {
  await expect(waitFor([WRONG])).rejects.toBe(WRONG);
  expect([said, reasons]).toEqual([[], []]);
  await expect(waitFor([AWAY, WRONG])).rejects.toBe(WRONG);
});

test('pauses grow, up to a limit', async () => {
  const begun: number[] = [];
  const open = async (): Promise<string> => {
    begun.push(performance.now());
    if (begun.length === 7) return 'store';
    throw AWAY;
  };
  await waitFor([], { open, pace: { pauseMs: 10, pauseMsMax: 40 } });
  const pauses = begun.slice(1).map((at, index) => at - (begun[index] ?? 0));
  // A timer may be late, and never early by more than a millisecond: 10, 20, 40, 40, … with a quarter less at most.
  const leastMs = [10, 20, 40, 40, 40, 40].map((millis) => millis * 0.75 - 1);
  expect(pauses.map((millis, index) => millis >= (leastMs[index] ?? 0))).toEqual(leastMs.map(() => true));
});

test('a store that says nothing is said to be waited for, while it is asked', async () => {
  const answer = Promise.withResolvers<string>();
  const waiting = waitFor([], { open: () => answer.promise, pace: { silentMs: 5 } });
  await expect.poll(() => reasons).toEqual([expect.stringMatching(/has not answered .*: http:\/\/clickhouse:8123\.$/)]);
  answer.resolve('store');
  expect(await waiting).toBe('store');
  expect(said).toHaveLength(2);
});

test('what takes long once it has answered is no wait', async () => {
  const migrated = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<void>();
  const waiting = waitFor([], {
    open: ({ answered }) => {
      answered();
      asked.resolve();
      return migrated.promise;
    },
    pace: { silentMs: 1 },
  });
  await asked.promise;
  await sleep(20);
  migrated.resolve('store');
  await waiting;
  expect([said, reasons]).toEqual([[], []]);
});

test('a stop ends a pause, and an attempt', async () => {
  const asked = new Error('asked to stop');
  const pausing = waitFor([AWAY], { pace: { pauseMs: 600_000, pauseMsMax: 600_000 } });
  await expect.poll(() => reasons).toHaveLength(1);
  stopping.abort(asked);
  await expect(pausing).rejects.toBe(asked);

  stopping = new AbortController();
  const trying = waitFor([], {
    open: async ({ signal }) => {
      await sleep(600_000, signal).catch(() => {
        throw AWAY;
      });
      return 'store';
    },
  });
  stopping.abort(asked);
  await expect(trying).rejects.toBe(asked);
});
