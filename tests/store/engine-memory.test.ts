/** The engine's share of the memory where nobody says it, and how long it keeps what it has freed. */

import { expect, test } from 'vitest';
import { keepMs, ownEngineMemory } from '../../src/store/engine/memory.ts';

const GIB = 1024 ** 3;

test('is half of what there is', () => {
  expect(ownEngineMemory(8 * GIB)).toEqual({ bytesMax: 4 * GIB, cacheShare: 1, reading: null });
});

test('is not kept where others need it', () => {
  expect([keepMs(GIB), keepMs(4 * GIB), keepMs(64 * GIB)]).toEqual([1_000, 60_000, 60_000]);
});
