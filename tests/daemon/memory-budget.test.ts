/** How memory is shared out, and whether the parts fit into the whole. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { DEFAULT_OTLP_LIMITS } from '../../collectors/otlp/limits.ts';
import { memoryBudget, MEMORY_MIN, tooLittleMemory, type MemoryBudget } from '../../src/daemon/memory/memory-budget.ts';
import { DEFAULT_INGEST_LIMITS } from '../../src/ingest/limits.ts';

const MIB = 1024 ** 2;
const limitsOf = ({ ingest }: MemoryBudget) => ({ ...DEFAULT_INGEST_LIMITS, ...ingest });

describe('with plenty of memory', () => {
  it.each([4_096 * MIB, 64 * 1_024 * MIB])('everything is as it was measured: %i bytes', (bytes) => {
    const budget = memoryBudget(bytes);
    expect(limitsOf(budget)).toEqual(DEFAULT_INGEST_LIMITS);
    expect(budget.otlp).toEqual(DEFAULT_OTLP_LIMITS);
    expect(budget).toMatchObject({ shares: { caches: 1, spareRooms: 1 }, heapGrowthPercent: 100 });
    expect(budget.allowsDraftingThread).toBe(true);
    expect(budget.engine).toEqual({ bytesMax: bytes / 2, cacheShare: 1, reading: null });
  });
});

describe('with less', () => {
  it('the daemon’s thread drafts requests by itself', () => {
    expect(memoryBudget(4_095 * MIB).allowsDraftingThread).toBe(false);
  });

  const little = fc.integer({ min: 128 * MIB, max: 4_095 * MIB });

  test('less memory never gives anything more room', () => {
    fc.assert(
      fc.property(little, little, (one, other) => {
        const [less, more] = [memoryBudget(Math.min(one, other)), memoryBudget(Math.max(one, other))];
        expect(less.engine.bytesMax).toBeLessThanOrEqual(more.engine.bytesMax);
        expect(less.heapGrowthPercent).toBeLessThanOrEqual(more.heapGrowthPercent);
        expect(less.otlp.bodyBytesMax).toBeLessThanOrEqual(more.otlp.bodyBytesMax);
        for (const name of Object.keys(less.ingest) as (keyof typeof less.ingest)[])
          expect(limitsOf(less)[name]).toBeLessThanOrEqual(limitsOf(more)[name] as number);
      }),
    );
  });

  test('what belongs together still fits together', () => {
    fc.assert(
      fc.property(little, (bytes) => {
        const { otlp, ...budget } = memoryBudget(bytes);
        const limits = limitsOf({ otlp, ...budget });
        // A body that was compressed, and what it is inflated to.
        expect(otlp.bodyBytesMax * 2).toBeLessThanOrEqual(otlp.inFlightBytesMax);
        expect(otlp.bodyBytesMax).toBeGreaterThanOrEqual(16 * MIB);
        // Senders are slowed down before anything that waits is read from the disk again.
        expect(limits.pacedBytes).toBeLessThan(limits.batchBytesMax);
        expect(limits.batchBytesMax).toBeLessThan(limits.recentBytesMax);
        expect(limits.traceFactsMax).toBeLessThan(limits.windowFactsMax);
        expect(limits.traceBytesMax).toBeLessThan(limits.windowBytesMax);
      }),
    );
  });

  test('what is there for certain, and what is in flight, has room before memory is said to be short', () => {
    const { engine, ingest, otlp, watch } = memoryBudget(MEMORY_MIN);
    const { recentBytesMax = 0, windowBytesMax = 0 } = ingest;
    const bytes = engine.bytesMax + recentBytesMax + windowBytesMax + otlp.inFlightBytesMax;
    expect(bytes).toBeLessThan(watch.shortBytes - 256 * MIB);
    expect(watch.calmBytes).toBeLessThan(watch.shortBytes);
  });
});

test('too little is told, in figures', () => {
  expect(tooLittleMemory(memoryBudget(MEMORY_MIN))).toBeNull();
  expect(tooLittleMemory(memoryBudget(512 * MIB))).toBe(
    `There are 512 MiB of memory for the daemon; with less than ${MEMORY_MIN / MIB} MiB the system may end it under load.`,
  );
});
