/** Redis that is not there, goes away, hangs, comes back; a replica that stops in the middle of a job. */

import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Queue } from '../../src/contract/queue.ts';
import { sleep } from '../../src/lib/limits.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createQueue } from '../../src/queue/index.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { freePort } from '../support/server-process.ts';

let redis: TestRedis;
const open: Queue[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((queue) => queue.stop(1_000)));
});
afterAll(() => redis.stop());

function newQueue(url: string, said: string[] = []): Queue {
  const say = (_fields: object, message: string): void => void said.push(message);
  const queue = createQueue({ clock: systemClock, redis: url, log: { info: say, warn: say, error: say } });
  open.push(queue);
  return queue;
}

test('says that nobody answers at the address, without the password, and works when somebody does', async () => {
  const said: string[] = [];
  const away = await startRedis();
  await away.kill();
  const queue = newQueue(`${away.url.replace('//', '//:geheim@')}/0`, said);
  const done: string[] = [];
  queue.handle('work', 1, async (job) => void done.push(JSON.stringify(job.data)));
  await queue.start();
  const failure: unknown = await queue.counts().catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'Fault', kind: 'transient', hint: expect.stringContaining('queue.redis') });
  expect(String(failure)).toMatch(/redis:\/\/:\*\*\*@127\.0\.0\.1:\d+\/0 can't be reached: .*ECONNREFUSED/);
  expect(queue.problem).toMatch(/^Nothing is polled and no alert goes out: .*ECONNREFUSED/);
  expect(String(failure) + String(queue.problem)).not.toContain('geheim');
  await expect(queue.add('work', 'lost')).rejects.toMatchObject({ kind: 'transient' });
  await away.start();
  await expect.poll(() => queue.problem).toBeNull();
  await queue.add('work', 'taken');
  await expect.poll(() => done).toEqual(['"taken"']);
  expect(said).toEqual([
    'Nothing is polled and no alert goes out until Redis can be reached; trying again.',
    'Redis is reached: places are polled and alerts go out.',
  ]);
  await queue.stop(1_000);
  await away.stop();
});

test('stops at once while it could not be started yet', async () => {
  const queue = newQueue(`redis://127.0.0.1:${await freePort()}/0`);
  queue.handle('work', 1, async () => {});
  await queue.start();
  const begun = performance.now();
  await queue.stop(1_000);
  expect(performance.now() - begun).toBeLessThan(2_000);
});

test('says that an address is none, and that a password is wrong', async () => {
  const nonsense = newQueue('localhost');
  await expect(nonsense.start()).rejects.toMatchObject({ name: 'Fault', kind: 'config' });
  const wrong = newQueue(redis.url.replace('//', '//somebody:wrong@'));
  await expect(wrong.start()).rejects.toMatchObject({ kind: 'config', hint: expect.stringContaining('password') });
});

test('adds fail while Redis is away, and all goes on by itself when it is back', async () => {
  const said: string[] = [];
  const queue = newQueue(`${redis.url}/1`, said);
  const done: unknown[] = [];
  queue.handle('work', 1, async (job) => void done.push(job.data));
  await queue.start();
  await queue.add('work', 'before');
  await expect.poll(() => done).toEqual(['before']);
  expect(queue.problem).toBeNull();
  await redis.kill();
  await expect(queue.add('work', 'lost')).rejects.toMatchObject({ name: 'Fault', kind: 'transient' });
  await expect(queue.counts()).rejects.toMatchObject({ kind: 'transient' });
  await expect.poll(() => queue.problem ?? '').toMatch(/^Redis is away: /);
  await redis.start();
  await expect.poll(() => queue.add('work', 'after').catch(() => false)).toBe(true);
  await expect.poll(() => done).toEqual(['before', 'after']);
  expect(said.filter((line) => line.startsWith('Lost the connection'))).toHaveLength(1);
  expect(said).toContain('Redis is back.');
  expect(queue.problem).toBeNull();
});

test('a Redis that takes nothing more is a problem, and told once for all kinds of jobs', async () => {
  const said: string[] = [];
  const queue = newQueue(`${redis.url}/4`, said);
  const done: string[] = [];
  for (const name of ['one', 'two', 'three', 'four']) queue.handle(name, 1, async () => void done.push(name));
  for (const name of ['one', 'two', 'three', 'four']) queue.every(name, 'k', 1_000, null);
  await queue.start();
  await expect.poll(() => new Set(done).size).toBe(4);
  const admin = new Redis(redis.url);
  try {
    await admin.config('SET', 'maxmemory', '1');
    await expect.poll(() => queue.problem ?? '').toMatch(/OOM/);
    // BullMQ's workers ask again every five seconds, each by itself.
    await sleep(12_000);
  } finally {
    await admin.config('SET', 'maxmemory', '0');
    admin.disconnect();
  }
  await expect.poll(() => queue.problem).toBeNull();
  expect(said.filter((line) => line === 'BullMQ reports a problem.').length).toBeLessThanOrEqual(2);
  expect(said.filter((line) => line.startsWith('Scheduled work'))).toEqual([
    'Scheduled work could not be queued; trying again every second.',
    'Scheduled work is queued again.',
  ]);
});

test.each([
  ['has become a replica', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE'], /READONLY|away/],
  [
    'refuses to write',
    ['ACL', 'SETUSER', 'default', '-@write'],
    ['ACL', 'SETUSER', 'default', '+@all'],
    /can't run this command|NOPERM/,
  ],
] as const)('a Redis that %s is not asked thousands of times', async (_what, [...breaks], [...mends], problem) => {
  const queue = newQueue(`${redis.url}/6`);
  const done: string[] = [];
  for (const name of ['one', 'two', 'three', 'four']) queue.handle(name, 1, async () => void done.push(name));
  queue.every('one', 'k', 1_000, null);
  await queue.start();
  await expect.poll(() => done.length).toBeGreaterThan(0);
  const admin = new Redis(redis.url);
  const commands = async (): Promise<number> =>
    Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))?.[1]) +
    Number(/total_error_replies:(\d+)/.exec(await admin.info('stats'))?.[1]);
  try {
    const [verb, ...rest] = breaks;
    await admin.call(verb, ...rest);
    await expect.poll(() => queue.problem ?? '').toMatch(problem);
    const before = await commands();
    await sleep(5_000);
    expect((await commands()) - before).toBeLessThan(1_000);
  } finally {
    const [verb, ...rest] = mends;
    await admin.call(verb, ...rest);
    admin.disconnect();
  }
  const before = done.length;
  await expect.poll(() => done.length).toBeGreaterThan(before);
  await expect.poll(() => queue.problem).toBeNull();
});

test('an add to a Redis that hangs fails instead of hanging too', async () => {
  const queue = newQueue(`${redis.url}/2`);
  queue.handle('work', 1, async () => {});
  await queue.start();
  redis.freeze();
  try {
    await expect(queue.add('work', {})).rejects.toMatchObject({ name: 'Fault', kind: 'transient' });
  } finally {
    redis.thaw();
  }
});

test('stops within its deadline while Redis is away', async () => {
  const queue = newQueue(`${redis.url}/3`);
  queue.handle('work', 1, async () => {});
  await queue.start();
  await redis.kill();
  await queue.stop(1_000);
  await redis.start();
  await expect(queue.add('work', {})).rejects.toMatchObject({ kind: 'transient' });
});

test('says nothing of the connection that it closes itself', async () => {
  const said: string[] = [];
  const queue = newQueue(`${redis.url}/5`, said);
  queue.handle('work', 1, async () => {});
  await queue.start();
  await queue.stop(1_000);
  // A connection that can still be made shows that the other had its time to close.
  const other = newQueue(`${redis.url}/5`);
  other.handle('work', 1, async () => {});
  await other.start();
  expect(said).toEqual([]);
});

test('a job that was aborted by the stop of one replica is done by another, as the same attempt', async () => {
  const first = newQueue(`${redis.url}/4`);
  first.handle('work', 1, (job) => sleep(60_000, job.signal));
  await first.start();
  await first.add('work', 'precious', { id: 'p', attempts: 1 });
  await expect.poll(async () => (await first.counts()).active).toBe(1);
  await first.stop(400);
  const second = newQueue(`${redis.url}/4`);
  const done: unknown[] = [];
  second.handle('work', 1, async (job) => void done.push([job.data, job.attempt]));
  await second.start();
  // The lock of a job that nobody gave back lasts half a minute.
  await expect.poll(() => done, { timeout: 20_000 }).toEqual([['precious', 1]]);
});
