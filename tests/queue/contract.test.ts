/** What `Queue` promises, run over both implementations; the BullMQ one on a real Redis. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Job, Queue } from '../../src/contract/queue.ts';
import { sleep } from '../../src/lib/limits.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createQueue } from '../../src/queue/index.ts';
import type { QueueSettings } from '../../src/queue/index.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

let database = 0;
const implementations: readonly (readonly [string, () => Partial<QueueSettings>])[] = [
  ['in process', () => ({})],
  // A database of its own for each test; Redis has sixteen.
  ['bullmq', () => ({ redis: `${redis.url}/${database++ % 16}` })],
];

describe.each(implementations)('%s', (_name, place) => {
  const open: Queue[] = [];
  const newQueue = (settings: Partial<QueueSettings> = {}): Queue => {
    const queue = createQueue({ clock: systemClock, ...place(), ...settings });
    open.push(queue);
    return queue;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((queue) => queue.stop(2_000)));
  });

  test('hands a job with its data to its handler, first in, first out', async () => {
    const queue = newQueue();
    const seen: unknown[] = [];
    queue.handle('work', 1, async (job) => void seen.push(job.data));
    const text = { text: 'Grüße \u{1F9ED} "quoted"\n', list: [1, null, true] };
    await queue.add('work', text);
    await queue.add('work', 2);
    await queue.start();
    expect(await queue.add('work', 3)).toBe(true);
    await expect.poll(() => seen).toEqual([text, 2, 3]);
  });

  test('handlers may come after the first jobs, up to the start', async () => {
    const queue = newQueue();
    const seen: string[] = [];
    queue.handle('early', 1, async (job) => void seen.push(job.name));
    await queue.add('early', {});
    queue.handle('late', 1, async (job) => void seen.push(job.name));
    await queue.add('late', {});
    await queue.start();
    await expect.poll(() => seen.toSorted()).toEqual(['early', 'late']);
    expect(() => queue.handle('too-late', 1, async () => {})).toThrow('after the queue was started');
  });

  test('a job knows its id, name and attempt', async () => {
    const queue = newQueue();
    const seen: Job[] = [];
    queue.handle('work', 1, async (job) => void seen.push(job));
    await queue.start();
    await queue.add('work', {}, { id: '42', attempts: 3 });
    await expect.poll(() => seen.length).toBe(1);
    expect(seen[0]).toMatchObject({ id: '42', name: 'work', attempt: 1, attemptsMax: 3 });
    expect(seen[0]?.signal.aborted).toBe(false);
  });

  test('one id is one job while it waits, runs, and after it is done', async () => {
    const queue = newQueue();
    let runs = 0;
    const gate = Promise.withResolvers<void>();
    queue.handle('work', 2, async () => {
      runs += 1;
      await gate.promise;
    });
    expect(await queue.add('work', {}, { id: 'a.b-c_1' })).toBe(true);
    expect(await queue.add('work', {}, { id: 'a.b-c_1' })).toBe(false);
    await queue.start();
    await expect.poll(() => runs).toBe(1);
    expect(await queue.add('work', {}, { id: 'a.b-c_1' })).toBe(false);
    gate.resolve();
    await expect.poll(async () => (await queue.counts()).active).toBe(0);
    expect(await queue.add('work', {}, { id: 'a.b-c_1' })).toBe(false);
    expect(runs).toBe(1);
  });

  test('the same id under another name is another job', async () => {
    const queue = newQueue();
    const seen: string[] = [];
    queue.handle('left', 1, async (job) => void seen.push(job.name));
    queue.handle('right', 1, async (job) => void seen.push(job.name));
    await queue.start();
    expect(await queue.add('left', {}, { id: 'one' })).toBe(true);
    expect(await queue.add('right', {}, { id: 'one' })).toBe(true);
    await expect.poll(() => seen.toSorted()).toEqual(['left', 'right']);
  });

  test('an id is free again when it was remembered long enough', async () => {
    const queue = newQueue({ limits: { finishedKeptMs: 1_000 } });
    let runs = 0;
    queue.handle('work', 1, async () => {
      runs += 1;
    });
    await queue.start();
    await queue.add('work', {}, { id: 'again' });
    await expect.poll(() => runs).toBe(1);
    await expect.poll(() => queue.add('work', {}, { id: 'again' }), { interval: 200 }).toBe(true);
    await expect.poll(() => runs).toBe(2);
  });

  test('of many adds of one id at once exactly one is taken', async () => {
    const queue = newQueue();
    let runs = 0;
    queue.handle('work', 4, async () => {
      runs += 1;
    });
    await queue.start();
    const taken = await Promise.all(Array.from({ length: 20 }, () => queue.add('work', {}, { id: 'once' })));
    expect(taken.filter(Boolean)).toHaveLength(1);
    await expect.poll(() => runs).toBe(1);
  });

  test('a delayed job waits', async () => {
    const queue = newQueue();
    const order: unknown[] = [];
    let ranAtMs = 0;
    queue.handle('work', 1, async (job) => {
      order.push(job.data);
      ranAtMs = performance.now();
    });
    await queue.start();
    await queue.add('work', 'tomorrow', { delayMs: 86_400_000 });
    expect((await queue.counts()).delayed).toBe(1);
    await queue.add('work', 'now');
    await expect.poll(() => order).toEqual(['now']);
    const addedAtMs = performance.now();
    await queue.add('work', 'later', { delayMs: 400 });
    await expect.poll(() => order).toEqual(['now', 'later']);
    // Clocks of whole milliseconds.
    expect(ranAtMs - addedAtMs).toBeGreaterThan(398);
  });

  test('runs as many of one name at once as it may, and no more', async () => {
    const queue = newQueue();
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    let done = 0;
    queue.handle('work', 3, async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running -= 1;
      done += 1;
    });
    await queue.start();
    for (let i = 0; i < 8; i++) await queue.add('work', i);
    await expect.poll(() => running).toBe(3);
    expect(await queue.counts()).toMatchObject({ active: 3, waiting: 5 });
    gate.resolve();
    await expect.poll(() => done).toBe(8);
    expect(most).toBe(3);
  });

  test('a slow name does not hold up another', async () => {
    const queue = newQueue();
    const gate = Promise.withResolvers<void>();
    let alerts = 0;
    queue.handle('slow', 1, () => gate.promise);
    queue.handle('alert', 1, async () => {
      alerts += 1;
    });
    await queue.start();
    for (let i = 0; i < 5; i++) await queue.add('slow', i);
    await queue.add('alert', {});
    await expect.poll(() => alerts).toBe(1);
    gate.resolve();
  });

  test('tries a failing job as often as it may, then counts it as failed and says so once', async () => {
    const said: object[] = [];
    const log = { info: () => {}, warn: () => {}, error: (fields: object) => void said.push(fields) };
    const queue = newQueue({ log });
    const attempts: number[] = [];
    queue.handle('work', 1, async (job) => {
      attempts.push(job.attempt);
      throw new Error('no luck');
    });
    await queue.start();
    await queue.add('work', {}, { id: 'unlucky', attempts: 3, backoffMs: 10 });
    await expect.poll(async () => (await queue.counts()).failed).toBe(1);
    expect(attempts).toEqual([1, 2, 3]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({ job: 'work', id: 'unlucky', attempt: 3, reason: 'no luck' });
    expect(await queue.add('work', {}, { id: 'unlucky' })).toBe(false);
  });

  test.each(['config', 'permanent'] as const)('a Fault of kind %s is not tried again', async (kind) => {
    const queue = newQueue();
    let runs = 0;
    queue.handle('work', 1, async () => {
      runs += 1;
      throw new Fault(kind, 'Gone for good.');
    });
    await queue.start();
    await queue.add('work', {}, { attempts: 5, backoffMs: 1 });
    await expect.poll(async () => (await queue.counts()).failed).toBe(1);
    expect(runs).toBe(1);
  });

  test('a Fault that says when to come back decides the wait', async () => {
    const queue = newQueue();
    const attempts: number[] = [];
    queue.handle('work', 1, async (job) => {
      attempts.push(job.attempt);
      if (job.attempt === 1) throw new Fault('overloaded', 'Too many requests.', { retryAfterMs: 20 });
    });
    await queue.start();
    // By its own back-off it would be tried again after the test has failed.
    await queue.add('work', {}, { attempts: 2, backoffMs: 600_000 });
    await expect.poll(() => attempts).toEqual([1, 2]);
    await expect.poll(() => queue.counts()).toMatchObject({ active: 0, delayed: 0, failed: 0 });
  });

  test('refuses more than it may hold, per name, and takes more when there is room', async () => {
    const queue = newQueue({ limits: { waitingMax: 3 } });
    const done: unknown[] = [];
    queue.handle('work', 1, async (job) => void done.push(job.data));
    queue.handle('other', 1, async () => {});
    for (let i = 0; i < 3; i++) await queue.add('work', i);
    const refused = queue.add('work', 3);
    await expect(refused).rejects.toMatchObject({ name: 'Fault', kind: 'overloaded' });
    expect((await queue.counts()).refused).toBe(1);
    expect(await queue.add('other', {})).toBe(true);
    await queue.start();
    await expect.poll(() => done).toEqual([0, 1, 2]);
    await expect.poll(() => queue.add('work', 4).catch(() => false)).toBe(true);
  });

  test('says what is wrong with a call', async () => {
    const queue = newQueue();
    queue.handle('work', 1, async () => {});
    expect(() => queue.handle('work', 1, async () => {})).toThrow('has a handler already');
    await expect(queue.add('nobody', {})).rejects.toThrow('No handler is registered for "nobody"');
    await expect(queue.add('work', {}, { id: 'a:b' })).rejects.toThrow('"a:b" can\'t be a job id');
    await expect(queue.add('work', {}, { attempts: 0 })).rejects.toThrow('attempts 0');
    await expect(queue.add('work', {}, { delayMs: 2 ** 31 })).rejects.toThrow('delayMs');
    await expect(queue.add('work', 'x'.repeat(300_000))).rejects.toMatchObject({ kind: 'permanent' });
    expect(() => queue.every('work', 'k', 200, null)).toThrow('shorter than 1000 ms');
    expect(() => queue.every('nobody', 'k', 2_000, null)).toThrow('No handler');
  });

  test('a schedule runs and carries its tick beside its data; cancelled, it does not', async () => {
    const queue = newQueue();
    const ticks: { tick: number; source: string; dueAt: string }[] = [];
    queue.handle('poll', 2, async (job) => void ticks.push(job.data as never));
    queue.every('poll', 'source', 1_000, { source: 'one' });
    queue.every('poll', 'unwanted', 1_000, { source: 'two' });
    queue.cancel('poll', 'unwanted');
    await queue.start();
    await expect.poll(() => ticks.length).toBeGreaterThanOrEqual(3);
    // A busy machine may skip one; none comes twice or late.
    const numbers = ticks.map(({ tick }) => tick);
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    const dueSeconds = ticks.map(({ dueAt }) => Date.parse(dueAt) / 1_000);
    expect(dueSeconds.map((due) => due - (dueSeconds[0] ?? 0))).toEqual(numbers.map((at) => at - (numbers[0] ?? 0)));
    expect(ticks[0]).toMatchObject({ source: 'one', dueAt: expect.stringMatching(/^\d{4}-.*\.000000000Z$/) });
    expect(ticks.every((tick) => tick.source === 'one')).toBe(true);
  });

  test('stops gracefully: what runs may end, nothing new begins, and twice is fine', async () => {
    const queue = newQueue();
    const gate = Promise.withResolvers<void>();
    const done: unknown[] = [];
    let running = 0;
    queue.handle('work', 1, async (job) => {
      running += 1;
      await gate.promise;
      done.push(job.data);
    });
    await queue.start();
    await queue.add('work', 'first');
    await queue.add('work', 'second');
    await expect.poll(() => running).toBe(1);
    const stopped = queue.stop(10_000);
    await expect(queue.add('work', 'third')).rejects.toMatchObject({ name: 'Fault', kind: 'transient' });
    gate.resolve();
    await stopped;
    expect(done).toEqual(['first']);
    await queue.stop(1_000);
  });

  test('aborts what runs at the deadline', async () => {
    const queue = newQueue();
    let aborted = false;
    queue.handle('work', 1, async (job) => {
      await sleep(60_000, job.signal).catch((error: unknown) => {
        aborted = true;
        throw error;
      });
    });
    await queue.start();
    await queue.add('work', {});
    await expect.poll(async () => (await queue.counts()).active).toBe(1);
    await queue.stop(200);
    expect(aborted).toBe(true);
  });

  test('returns from stop although a handler heeds nothing, and without a start', async () => {
    const queue = newQueue();
    queue.handle('work', 1, () => new Promise(() => {}));
    await queue.start();
    await queue.add('work', {});
    await expect.poll(async () => (await queue.counts()).active).toBe(1);
    await queue.stop(200);
    const neverStarted = newQueue();
    await neverStarted.stop(200);
  });
});
