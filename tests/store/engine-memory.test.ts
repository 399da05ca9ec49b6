/** The engine's share of the memory, on a machine and in a container on it. */

import { expect, test } from 'vitest';
import { engineBytesMax } from '../../src/store/engine/memory.ts';

const GIB = 1024 ** 3;

test.each([
  ['the machine where nothing limits the process', 8 * GIB, 0, 4 * GIB],
  // As Linux says that there is no limit.
  ['the machine where the limit is beyond all machines', 8 * GIB, 2 ** 64, 4 * GIB],
  ['the container', 64 * GIB, GIB, GIB / 2],
])('is half of %s', (_what, machineBytes, containerBytes, share) => {
  expect(engineBytesMax(machineBytes, containerBytes)).toBe(share);
});
