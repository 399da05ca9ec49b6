/** How much memory there is, on a machine and in a container on it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { availableMemory, cgroupLimit } from '../../src/lib/available-memory.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const GIB = 1024 ** 3;

test.each([
  ['the machine where nothing limits the process', 8 * GIB, 0, 8 * GIB],
  // As Linux says that there is no limit.
  ['the machine where the limit is beyond all machines', 8 * GIB, 2 ** 64, 8 * GIB],
  ['the container', 64 * GIB, GIB, GIB],
])('is that of %s', (_what, machineBytes, containerBytes, bytes) => {
  expect(availableMemory(machineBytes, containerBytes)).toBe(bytes);
});

test.each<[string, string, Readonly<Record<string, string>>, number]>([
  ['of a container that sees itself alone', '0::/', { 'memory.max': `${GIB}` }, GIB],
  [
    'of the slice around it',
    '0::/system.slice/plumbline.service',
    { 'system.slice/memory.max': `${2 * GIB}`, 'system.slice/plumbline.service/memory.max': 'max' },
    2 * GIB,
  ],
  [
    'the smallest of several',
    '0::/a/b/c',
    { 'a/memory.max': `${3 * GIB}`, 'a/b/memory.max': `${GIB}`, 'a/b/c/memory.max': `${2 * GIB}` },
    GIB,
  ],
  ['above which the kernel slows it down', '0::/a', { 'a/memory.max': `${2 * GIB}`, 'a/memory.high': `${GIB}` }, GIB],
  // The container runtime shows the container's own cgroup at the root, and the path as the machine knows it.
  ['of a container that is told its path outside', '0::/docker/0123', { 'memory.max': `${GIB}` }, GIB],
  ['none where there is none', '0::/a', { 'a/memory.max': 'max', 'a/memory.high': 'max' }, 0],
  ['none on a machine without cgroups', '', {}, 0],
  ['none of version 1, which Node asks itself', '4:memory:/a\n0::/', {}, 0],
  ['none of a cgroup that is not below what is seen', '0::/../b', { 'memory.max': `${GIB}`, 'b/memory.max': '1' }, 0],
])('the limit is that %s', (_what, membership, files, bytes) => {
  const directory = tempDirectory('cgroup');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), `${content}\n`);
  }
  const member = join(directory, 'membership');
  writeFileSync(member, `${membership}\n`);
  expect(cgroupLimit(member, directory)).toBe(bytes);
});
