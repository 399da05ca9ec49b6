/** Three replicas, each a process of its own, on one Redis: a tick runs once. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sleep } from '../../src/lib/limits.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';

const REPLICA = fileURLToPath(new URL('replica.ts', import.meta.url));

interface Run {
  readonly replica: string;
  readonly key: string;
  readonly tick: number;
}

let redis: TestRedis;
const processes: ChildProcess[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const process of processes) process.kill('SIGKILL');
  await redis.stop();
});

function startReplica(name: string, runs: Run[]): ChildProcess {
  const replica = spawn(process.execPath, [REPLICA, redis.url, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: replica.stdout }).on('line', (line) => runs.push(JSON.parse(line) as Run));
  processes.push(replica);
  return replica;
}

test('three replicas run each tick once, also while one of them is killed', async () => {
  const runs: Run[] = [];
  const replicas = ['one', 'two', 'three'].map((name) => startReplica(name, runs));
  // Every replica is up and has had work: five schedules of one second, shared by three.
  const seen = (): number => new Set(runs.map((run) => run.replica)).size;
  await expect.poll(seen).toBe(3);
  const before = runs.length;
  replicas[0]?.kill('SIGKILL');
  await expect.poll(() => runs.length - before).toBeGreaterThanOrEqual(15);

  for (const replica of replicas.slice(1)) {
    const gone = once(replica, 'exit');
    replica.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
  }
  const ticks = runs.map((run) => `${run.key} ${run.tick}`);
  expect(new Set(ticks).size).toBe(ticks.length);
  for (const key of ['a', 'b', 'c', 'd', 'e']) {
    const numbers = runs.filter((run) => run.key === key).map((run) => run.tick);
    // None was left out either, save perhaps the one that died with the killed replica.
    const span = Math.max(...numbers) - Math.min(...numbers) + 1;
    expect(span - numbers.length).toBeLessThanOrEqual(1);
  }
});

test.each(['is killed', 'hangs'])('a replica that is stopped while Redis %s ends', async (how) => {
  const runs: Run[] = [];
  const replica = startReplica('last', runs);
  await expect.poll(() => runs.length).toBeGreaterThan(0);
  if (how === 'hangs') redis.freeze();
  else await redis.kill();
  try {
    // It has noticed, and tries to connect again.
    await sleep(500);
    const gone = once(replica, 'exit');
    replica.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
  } finally {
    if (how === 'hangs') redis.thaw();
    else await redis.start();
  }
});
