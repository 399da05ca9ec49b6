/** A Redis that answers and does not do what the queue needs is told by `doctor` and by the daemon, in their own form. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { runPlumbline, startDaemon } from '../support/daemon.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { tempDirectory } from '../support/temp-directory.ts';

let redis: TestRedis;
let admin: Redis;
beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
});
afterAll(async () => {
  admin.disconnect();
  await redis.stop();
});

function configured(url: string): string {
  const directory = tempDirectory();
  writeFileSync(join(directory, 'plumbline.yaml'), stringify({ queue: { redis: url } }));
  return directory;
}

async function queueChecks(directory: string): Promise<readonly { status: string; words: string }[]> {
  const { stdout, stderr } = await runPlumbline(directory, ['doctor', '--json']);
  expect(stderr).toBe('');
  return JSON.parse(stdout).checks.filter(({ what }: { what: string }) => what === 'queue');
}

test('one that drops what is queued', async () => {
  await admin.config('SET', 'maxmemory', '500mb');
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const directory = configured(redis.url);
  const told = expect.stringContaining('maxmemory-policy allkeys-lru');
  expect(await queueChecks(directory)).toMatchObject([{ status: 'ok' }, { status: 'warning', words: told }]);
  const daemon = await startDaemon(directory);
  try {
    expect((await daemon.get('/readyz')).problems).toEqual([told]);
    // What BullMQ says of it too, once for each of its connections, is one entry.
    const lines = daemon.printed().trim().split('\n');
    expect(lines.filter((line) => line.includes('Eviction policy'))).toHaveLength(1);
    const others = lines.filter((line) => !/^(?:Plumbline |Nothing is watched)/.test(line));
    expect(others.map((line) => JSON.parse(line).level)).toEqual(others.map(() => expect.any(Number)));
  } finally {
    await daemon.stop();
    await admin.config('SET', 'maxmemory', '0');
  }
});

test('one whose user may only read', async () => {
  await admin.call('ACL', 'SETUSER', 'reader', 'on', '>geheim', '~*', '&*', '+@read', '+@connection', '+info');
  const directory = configured(redis.url.replace('//', '//reader:geheim@'));
  expect(await queueChecks(directory)).toMatchObject([
    { status: 'failed', words: expect.stringMatching(/NOPERM .*ACL SETUSER/) },
  ]);
});
