/** How the daemon and the verbs end: when they are told to, and when nobody takes what they print. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDaemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

function configured(): string {
  const directory = tempDirectory('leaving');
  writeFileSync(join(directory, 'plumbline.yaml'), 'store: { path: ./data }\n');
  return directory;
}

test('a daemon whose output nobody reads any more goes on, and stops as it should', async () => {
  const daemon = await startDaemon(configured());
  daemon.process.stdout?.destroy();
  daemon.process.stderr?.destroy();
  expect(await daemon.get('/readyz')).toMatchObject({ status: 'ready' });
  expect(await daemon.stop()).toBe(0);
});

test('a terminal that is closed is a request to stop', async () => {
  const directory = configured();
  const daemon = await startDaemon(directory);
  const ended = once(daemon.process, 'exit');
  daemon.process.kill('SIGHUP');
  expect(await ended).toEqual([0, null]);
  expect(existsSync(join(directory, 'data', 'owner.json'))).toBe(false);
});

test('the second request ends it at once, and not in the engine', async () => {
  const daemon = await startDaemon(configured());
  const ended = once(daemon.process, 'exit');
  daemon.process.kill('SIGINT');
  await daemon.waitFor(/once more to stop at once/);
  daemon.process.kill('SIGINT');
  // It may have been quick enough.
  expect([
    [null, 'SIGINT'],
    [0, null],
  ]).toContainEqual(await ended);
});

test.skipIf(!existsSync('/dev/full'))('an answer that could not be written is none', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  expect(await once(child, 'close')).toEqual([2, null]);
  expect(told).toMatch(/^Standard output can't be written: ENOSPC.*\n$/);
});
