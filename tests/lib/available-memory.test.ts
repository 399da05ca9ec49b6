/** How much memory there is, on a machine and in a container on it. */

import { expect, test } from 'vitest';
import { availableMemory } from '../../src/lib/available-memory.ts';

const GIB = 1024 ** 3;

test.each([
  ['the machine where nothing limits the process', 8 * GIB, 0, 8 * GIB],
  // As Linux says that there is no limit.
  ['the machine where the limit is beyond all machines', 8 * GIB, 2 ** 64, 8 * GIB],
  ['the container', 64 * GIB, GIB, GIB],
])('is that of %s', (_what, machineBytes, containerBytes, bytes) => {
  expect(availableMemory(machineBytes, containerBytes)).toBe(bytes);
});
