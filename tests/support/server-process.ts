/** A server of Debian's as a process of the test's own: found or named as missing, ready when it says so, gone with the test. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { findProgram } from '../../scripts/system-packages.mjs';

// Some servers refuse to run as root, as CI does; everybody has this user.
const NOBODY = 65_534;

export interface ServerProgram {
  readonly program: string;
  /** The package that has it. */
  readonly debian: string;
  readonly args: readonly string[];
  /** What it prints, to either stream, when it takes connections. */
  readonly ready: string;
  readonly uid?: number | undefined;
}

/** Resolves when it is ready. What ends the test ends it too. */
export async function spawnServer({ program, debian, args, ready, uid }: ServerProgram): Promise<ChildProcess> {
  const server = spawn(requireProgram(program, debian), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  server.once('exit', () => process.off('exit', kill));
  await new Promise<void>((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes(ready)) resolve();
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
  });
  return server;
}

/** Ends it and waits; without goodbye unless a gentler signal is given. */
export async function endServer(server: ChildProcess | null, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (server === null || server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill(signal);
  await gone;
}

/** Runs a program that prepares a server, to its end. */
export function prepareServer({ program, debian, args, uid }: Omit<ServerProgram, 'ready'>): void {
  const ids = uid === undefined ? {} : { uid, gid: uid };
  const { status, stderr, error } = spawnSync(requireProgram(program, debian), args, { encoding: 'utf8', ...ids });
  if (status !== 0) throw new Error(`${program} failed: ${stderr ?? ''}`, { cause: error });
}

function requireProgram(program: string, debian: string): string {
  const file = findProgram(program);
  if (file !== null) return file;
  throw new Error(`${program} is missing. Install it: apt-get install ${debian}`);
}

/** Whom to run a server as that refuses root; undefined: as whoever runs the tests. */
export function unprivilegedUser(): number | undefined {
  return process.getuid?.() === 0 ? NOBODY : undefined;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
