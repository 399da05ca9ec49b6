/** `bin/launch.mjs`: a daemon under npm and a terminal hears each signal once, and its exit code comes through. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { memoryTunables } from '../../bin/launch.mjs';
import { sleep } from '../../src/lib/limits.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const LAUNCH = pathToFileURL(join(import.meta.dirname, '../../bin/launch.mjs')).href;
const COUNTER = join(import.meta.dirname, 'signal-counter.mjs');

const launched: ChildProcess[] = [];
afterEach(() => {
  for (const launcher of launched.splice(0)) launcher.kill('SIGKILL');
});

interface Launched {
  readonly launcher: ChildProcess;
  readonly lines: readonly string[];
  readonly childPid: number;
}

async function launch(environment: Readonly<Record<string, string>> = {}): Promise<Launched> {
  const code = `import { runAsChild } from ${JSON.stringify(LAUNCH)}; runAsChild(${JSON.stringify(COUNTER)}, ['with', 'arguments']);`;
  const launcher = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, ...environment },
  });
  launched.push(launcher);
  const lines: string[] = [];
  launcher.stdout.on('data', (chunk: Buffer) => lines.push(...chunk.toString().trim().split('\n')));
  await expect.poll(() => lines[0], { timeout: 10_000 }).toMatch(/^ready \d+ with arguments$/);
  return { launcher, lines, childPid: Number(lines[0]?.split(' ')[1]) };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a signal that comes twice at once is heard once; the exit code is passed on', async () => {
  const { launcher, lines, childPid } = await launch();
  launcher.kill('SIGINT');
  await expect.poll(() => lines).toContain('heard SIGINT');
  launcher.kill('SIGINT');
  const exit = once(launcher, 'exit');
  launcher.kill('SIGTERM');
  expect(await exit).toEqual([7, null]);
  expect(lines.slice(1)).toEqual(['heard SIGINT', 'heard SIGTERM']);
  expect(isAlive(childPid)).toBe(false);
});

test.runIf(process.platform === 'linux').each([
  [{}, memoryTunables()],
  [{ GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' }, 'glibc.malloc.arena_max=2'],
])('the C library is told how to get memory, unless somebody told it before: %j', async (environment, expected) => {
  const { childPid } = await launch(environment);
  const variables = readFileSync(`/proc/${childPid}/environ`, 'utf8').split('\0');
  expect(variables.filter((variable) => variable.startsWith('GLIBC_TUNABLES='))).toEqual([
    `GLIBC_TUNABLES=${expected}`,
  ]);
});

test('with little memory it is told to give back what is free, with much to ask for large pages', () => {
  const GIB = 1024 ** 3;
  expect(memoryTunables(8 * GIB, 0)).toBe('glibc.malloc.hugetlb=1');
  expect(memoryTunables(8 * GIB, 2 ** 64)).toBe('glibc.malloc.hugetlb=1');
  expect(memoryTunables(8 * GIB, GIB)).toContain('glibc.malloc.mmap_threshold=');
  expect(memoryTunables(GIB, 0)).toContain('glibc.malloc.mmap_threshold=');
});

test.runIf(process.platform === 'linux').each([
  // As the image says it, for containers of any size.
  ['glibc.malloc.hugetlb=1', /^glibc\.malloc\.mmap_threshold=/],
  ['glibc.malloc.arena_max=3', /^glibc\.malloc\.arena_max=3$/],
])('a process that has begun in a small container with %s begins anew', async (told, expected) => {
  const code = `process.constrainedMemory = () => 1024 ** 3;
    const { run } = await import(${JSON.stringify(LAUNCH)}); await run(${JSON.stringify(COUNTER)}, ['with', 'arguments']);`;
  const launcher = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, GLIBC_TUNABLES: told },
  });
  launched.push(launcher);
  let printed = '';
  launcher.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  await expect.poll(() => printed, { timeout: 10_000 }).toBe(`ready ${launcher.pid} with arguments\n`);
  const variables = readFileSync(`/proc/${launcher.pid}/environ`, 'utf8').split('\0');
  const said = variables.find((variable) => variable.startsWith('GLIBC_TUNABLES='));
  expect(said?.replace('GLIBC_TUNABLES=', '')).toMatch(expected);
});

test('a second signal that somebody means is heard too', async () => {
  const { launcher, lines } = await launch();
  launcher.kill('SIGINT');
  // Longer than the time within which two are taken for one.
  await sleep(700);
  launcher.kill('SIGINT');
  await expect.poll(() => lines.filter((line) => line === 'heard SIGINT')).toHaveLength(2);
});

test('the daemon stops when its launcher was killed', async () => {
  const { launcher, childPid } = await launch();
  launcher.kill('SIGKILL');
  await expect.poll(() => isAlive(childPid), { timeout: 10_000 }).toBe(false);
});

test.each(['start', 'plumbline'])('a stop that npm is asked for reaches what `npm run %s` runs', async (name) => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const script = manifest.scripts[name]?.replace(/scripts\/\S+\.mjs/, COUNTER);
  const directory = tempDirectory();
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ scripts: { [name]: script } }));
  const npm = spawn('npm', ['run', '-s', name], { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] });
  launched.push(npm);
  const [ready] = (await once(npm.stdout, 'data')) as [Buffer];
  const pid = Number(ready.toString().split(' ')[1]);
  try {
    npm.kill('SIGTERM');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
});
