/** `scripts/system-packages.mjs`: programs are found where Debian puts them, and a missing one is named with its package. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { findProgram } from '../../scripts/system-packages.mjs';
import { prepareServer, spawnServer } from '../support/server-process.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plumbline-path-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

it('finds what can be run, on the path first', async () => {
  await writeFile(join(directory, 'mariadbd'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(directory, 'plumbline-no-program'), 'text', { mode: 0o644 });
  vi.stubEnv('PATH', directory);
  expect(findProgram('mariadbd')).toBe(join(directory, 'mariadbd'));
  expect(findProgram('plumbline-no-program')).toBeNull();
});

it('finds servers that are on nobody’s path', () => {
  vi.stubEnv('PATH', '');
  expect(findProgram('mariadbd')).toMatch(/\/mariadbd$/);
  expect(findProgram('initdb')).toMatch(/\/initdb$/);
});

it('fails with the package to install, and skips nothing', async () => {
  const missing = { program: 'no-such-server', debian: 'some-package', args: [], ready: 'ready' };
  await expect(spawnServer(missing)).rejects.toThrow('Install it: apt-get install some-package');
  expect(() => prepareServer(missing)).toThrow('Install it: apt-get install some-package');
});
