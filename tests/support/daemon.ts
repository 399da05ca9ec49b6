/** Runs the real daemon and the real command line as child processes, as a user would. */

import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
export const READY = /is ready: API (http:\/\/\S+) .*OTLP (http:\/\/\S+) .*gRPC (\S+:\d+)/;
/** For `startDaemon`: there is no store yet. */
export const WAITING = /waits for its store, .*: API (http:\/\/\S+) .*OTLP (http:\/\/\S+) .*gRPC (\S+:\d+)/;
/** Ends only what hangs, and before the test's own limit does: then what was printed is told. */
const HANGS_AFTER_MS = 150_000;

export interface Daemon {
  readonly api: string;
  readonly otlp: string;
  readonly grpc: string;
  readonly process: ChildProcess;
  /** Everything printed so far, both streams. */
  printed(): string;
  /** Resolves when `pattern` has been printed. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Asks it to stop and waits; resolves with the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  get<Answer = any>(path: string): Promise<Answer>;
}

export async function startDaemon(
  workingDirectory: string,
  flags: readonly string[] = [],
  environment: Record<string, string> = {},
  until: RegExp = READY,
): Promise<Daemon> {
  const child = spawn(
    process.execPath,
    [MAIN, 'start', '--port', '0', '--otlp-port', '0', '--grpc-port', '0', ...flags],
    {
      cwd: workingDirectory,
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  // A test that is ended in the middle leaves no daemon behind.
  const killChild = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killChild);
  let printed = '';
  const watchers = new Set<() => void>();
  const onData = (chunk: Buffer): void => {
    printed += chunk.toString('utf8');
    for (const watcher of watchers) watcher();
  };
  child.stdout.on('data', onData);
  child.stderr.on('data', onData);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      process.off('exit', killChild);
      resolve(code);
      for (const watcher of watchers) watcher();
    });
  });

  const waitFor = (pattern: RegExp, timeoutMs = HANGS_AFTER_MS): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const finish = (outcome: () => void): void => {
        clearTimeout(timer);
        watchers.delete(check);
        outcome();
      };
      const check = (): void => {
        const match = pattern.exec(printed);
        if (match !== null) finish(() => resolve(match));
        else if (child.exitCode !== null)
          finish(() => reject(new Error(`The daemon ended with ${child.exitCode} before ${pattern}:\n${printed}`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`Not printed within ${timeoutMs} ms: ${pattern}\n${printed}`))),
        timeoutMs,
      );
      watchers.add(check);
      check();
    });

  const [, api = '', otlp = '', grpc = ''] = await waitFor(until).catch((error: unknown) => {
    killChild();
    throw error;
  });
  return {
    api,
    otlp,
    grpc,
    process: child,
    printed: () => printed,
    waitFor,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    get: async (path) => {
      const response = await fetch(new URL(path, api));
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
      return (await response.json()) as never;
    },
  };
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one `plumbline` command line to its end. `input`: what it may read. */
export function runPlumbline(
  workingDirectory: string,
  line: readonly string[],
  environment: Record<string, string> = {},
  input = '',
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...line], {
      cwd: workingDirectory,
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.end(input);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Calls `probe` until it gives something, or throws after `timeoutMs` with what it last threw or saw. */
export async function eventually<T>(
  probe: () => Promise<T | null | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  let last: unknown = 'nothing';
  for (;;) {
    try {
      const result = await probe();
      if (result !== null && result !== undefined && result !== false) return result;
      last = result;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`Did not happen within ${timeoutMs} ms; last: ${String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
