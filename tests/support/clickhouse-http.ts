/** Starts a ClickHouse server for a test: its HTTP interface in front of the embedded engine, in a child process. */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { tempDirectory } from './temp-directory.ts';

export interface ClickHouseHttp {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** The next `times` requests are answered with this instead: a proxy's page, a refusal. */
  trouble(times: number, status: number, body: string, code?: number): Promise<void>;
  /** Until it is null, statements that hold this text are answered as by a server whose memory is used up. */
  exhaustedBy(text: string | null): Promise<void>;
  /** While true, every connection is cut without an answer. */
  hangUp(hungUp: boolean): Promise<void>;
  /** Ends the process, as a crash of the server would. The data stays. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface ClickHouseHttpOptions {
  readonly user?: string;
  readonly password?: string;
  /** Default: a new one. */
  readonly directory?: string;
  /** Default: a free one. */
  readonly port?: number;
}

export async function startClickHouseHttp(options: ClickHouseHttpOptions = {}): Promise<ClickHouseHttp> {
  const user = options.user ?? 'default';
  const password = options.password ?? '';
  const directory = options.directory ?? join(tempDirectory('clickhouse'), 'data');
  const script = join(import.meta.dirname, 'clickhouse-http-process.ts');
  const child = fork(script, [directory, user, password, String(options.port ?? 0)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  afterAll(() => void child.kill('SIGKILL'));
  const { port } = await said<{ port: number }>(child);
  const tell = async (message: object): Promise<void> => {
    child.send(message);
    await said(child);
  };
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    user,
    password,
    trouble: (times, status, body, code) =>
      tell({ trouble: { times, status, body, ...(code !== undefined && { code }) } }),
    exhaustedBy: (text) => tell({ exhausting: text }),
    hangUp: (hungUp) => tell({ hungUp }),
    kill: end,
    stop: end,
  };
}

async function said<Message>(child: ChildProcess): Promise<Message> {
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('The test server ended before it was ready.');
    }),
  ])) as [Message];
  return message;
}
