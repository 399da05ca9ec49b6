/** A real Redis for tests: its own process, a free port, a directory of its own, gone afterwards. */

import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endServer, freePort, spawnServer } from './server-process.ts';

export interface TestRedis {
  readonly url: string;
  /** Ends it without goodbye, as a crash would; `start` brings it back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops it from answering without closing its connections; `thaw` lets it go on. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'plumbline-redis-'));
  const port = await freePort();
  const address = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
  const safety = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  let server: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    server = await spawnServer({
      program: 'redis-server',
      debian: 'redis-server',
      args: [...address, ...safety],
      ready: 'Ready to accept connections',
    });
  };
  const kill = async (): Promise<void> => {
    await endServer(server);
    server = null;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    start,
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
