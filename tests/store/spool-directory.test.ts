/** The directory of a spool whose store is a server has one owner: two would delete each other's segments. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/time.ts';
import { claimSpoolDirectory, directoryOwner } from '../../src/store/engine/data-directory.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const HOLDER = join(import.meta.dirname, '..', 'support', 'spool-holder.ts');

function claim(directory: string): Promise<() => Promise<void>> {
  return claimSpoolDirectory(directory, '1.2.3', systemClock.now());
}

test('it is refused while another process has it, also one that cannot be seen, and free when that is gone', async () => {
  const directory = tempDirectory();
  const child = spawn(process.execPath, [HOLDER, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await expect(claim(directory)).rejects.toThrow(`in use by process ${child.pid} (plumbline 1.0.0, since 20`);
  // In another container the id is nobody's, or somebody else's.
  const path = join(directory, 'owner.json');
  const owner = JSON.parse(readFileSync(path, 'utf8'));
  for (const pid of [2 ** 22 + 1, process.pid]) {
    writeFileSync(path, JSON.stringify({ ...owner, pid }));
    await expect(claim(directory)).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringMatching(/in use by a process of another container or machine \(plumbline 1.0.0, since 20/),
    });
  }
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  const letGo = await claim(directory);
  expect(await directoryOwner(directory)).toMatchObject({ pid: process.pid, release: '1.2.3' });
  await letGo();
  await letGo();
  expect(await directoryOwner(directory)).toBeNull();
  await (
    await claim(directory)
  )();
});

test('what is made for data only its own user can enter; what was there keeps its mode', async () => {
  const directory = tempDirectory();
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  const made = join(directory, 'var', 'data');
  await (
    await claim(made)
  )();
  expect([mode(made), mode(join(directory, 'var'))]).toEqual(['700', (0o777 & ~process.umask()).toString(8)]);
  const given = join(directory, 'given');
  mkdirSync(given, { mode: 0o750 });
  await (
    await claim(given)
  )();
  expect(mode(given)).toBe('750');
});
