/** A Redis that answers, and whose settings or user do not let the queue work. */

import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Queue } from '../../src/contract/queue.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createQueue } from '../../src/queue/index.ts';
import { evictionProblem } from '../../src/queue/redis-refusals.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

let redis: TestRedis;
let admin: Redis;
const open: Queue[] = [];
beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((queue) => queue.stop(1_000)));
});
afterAll(async () => {
  admin.disconnect();
  await redis.stop();
});

async function startedQueue(url: string): Promise<Queue> {
  const queue = createQueue({ clock: systemClock, redis: url });
  open.push(queue);
  queue.handle('work', 1, async () => {});
  await queue.start();
  return queue;
}

test('one that drops what is queued is a problem until it is set right', async () => {
  await admin.config('SET', 'maxmemory', '500mb');
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const queue = await startedQueue(`${redis.url}/1`);
  expect(queue.problem).toMatch(/drops what is queued .*allkeys-lru.* noeviction/);
  await admin.config('SET', 'maxmemory-policy', 'noeviction');
  // It is asked again now and then, and when a connection was lost.
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await expect.poll(() => queue.problem, { timeout: 20_000 }).toBeNull();
});

test.each([
  ['without a limit it drops nothing', 'maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n', false],
  ['with one it refuses instead', 'maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n', false],
  ['a service may tell the policy alone', 'maxmemory_policy:volatile-lru\r\n', true],
  ['a service may tell nothing', '# Memory\r\n', false],
])('%s', (_what, info, isProblem) => {
  expect(evictionProblem(info) !== null).toBe(isProblem);
});

test('a user who may not do what the queue does is told what to allow', async () => {
  await admin.call('ACL', 'SETUSER', 'narrow', 'on', '>geheim', '~{plumbline}*', '&*', '+@all', '-evalsha', '-eval');
  const refused = await startedQueue(redis.url.replace('//', '//narrow:geheim@'));
  await expect(refused.add('work', null)).rejects.toMatchObject({
    kind: 'transient',
    message: expect.stringMatching(/^Redis refuses what the queue needs: NOPERM .*'eval/),
    hint: expect.stringContaining('ACL SETUSER'),
  });
  await admin.call('ACL', 'SETUSER', 'wide', 'on', '>geheim', '~{plumbline}*', '&*', '+@all', '-@dangerous', '+info');
  const taken = await startedQueue(redis.url.replace('//', '//wide:geheim@'));
  await expect(taken.add('work', null)).resolves.toBe(true);
  expect(taken.problem).toBeNull();
});
