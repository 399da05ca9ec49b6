/** What the file system refuses is told in words; anything else stays a bug. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectory, notWritten } from '../../src/lib/files.ts';

const HINT = 'Elsewhere.';
const told = (work: Promise<unknown>) =>
  work.then(
    () => 'It was written.',
    (error: unknown) => notWritten(error, '/some/where', HINT)?.message ?? error,
  );

test('a full disk names no path by itself', async () => {
  expect(await told(writeFile('/dev/full', 'x'))).toBe("/some/where can't be written: its disk is full.");
});

test('where directories can be neither made nor found, making them ends', async () => {
  expect(await told(makeDirectory('/proc/a/b'))).toBe("/proc/a can't be written: it could not be created there.");
});

test('a file in the way is one, and what is no answer of the file system is a bug', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-files-'));
  writeFileSync(join(directory, 'file'), '');
  expect(await told(makeDirectory(join(directory, 'file', 'below')))).toContain('a part of its path is a file');
  expect(await told(Promise.reject(new TypeError('a bug')))).toBeInstanceOf(TypeError);
  expect(await makeDirectory(join(directory, 'a', 'b', 'c'))).toBe(join(directory, 'a'));
  expect(await makeDirectory(join(directory, 'a', 'b'))).toBeNull();
  rmSync(directory, { recursive: true });
});
