import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunksByWeight } from '../../src/lib/chunks.ts';

test('chunks by weight are all items in order, each as full as it may be', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 50 });
  fc.assert(
    fc.property(
      weights,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 6 }),
      (items, weightMax, itemsMax) => {
        const all = chunksByWeight(items, (item) => item, { weightMax, itemsMax });
        expect(all.flat()).toEqual(items);
        const weightOf = (some: readonly number[]): number => some.reduce((sum, one) => sum + one, 0);
        for (const [index, some] of all.entries()) {
          expect(some.length).toBeGreaterThan(0);
          expect(some.length).toBeLessThanOrEqual(itemsMax);
          expect(some.length === 1 || weightOf(some) <= weightMax).toBe(true);
          const next = all[index + 1]?.[0] ?? Infinity;
          expect(some.length === itemsMax || weightOf(some) + next > weightMax).toBe(true);
        }
      },
    ),
  );
});
