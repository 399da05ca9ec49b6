/** A process that can open no more files. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const GIT = join(import.meta.dirname, '../../src/registry/git.ts');

// Loaded before the files are used up, as in a daemon.
const SCRIPT = `
import { openSync } from 'node:fs';
import { runGit } from ${JSON.stringify(GIT)};
try {
  for (;;) openSync('/dev/null');
} catch {}
const failure = await runGit('/', ['version'], AbortSignal.timeout(60_000)).catch((error) => error);
await new Promise((resolve) => setTimeout(resolve, 50));
process.stdout.write(failure.kind + ': ' + failure.message);
`;

test('is told that git could not be started, and goes on', () => {
  const command = 'ulimit -n 128; exec "$0" --input-type=module --eval "$1"';
  const { stdout, status } = spawnSync('sh', ['-c', command, process.execPath, SCRIPT], { encoding: 'utf8' });
  expect([stdout, status]).toEqual(['transient: git could not be started: this process has too many files open.', 0]);
});
