import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrintedCache } from '../../src/lib/printed-cache.ts';
import { PrintedTable, printOfHash, printOfText } from '../../src/lib/printed-table.ts';

function hashOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

describe('a table of strings by their prints', () => {
  it('is a map, whatever the prints are, as long as few strings share one', () => {
    const keys = fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })));
    fc.assert(
      fc.property(keys, (entries) => {
        const [table, map] = [new PrintedTable<number>(), new Map<string, number>()];
        for (const [index, [key]] of entries.entries()) {
          // The print of a key is the same each time.
          const print = entries.find(([other]) => other === key)?.[1] ?? 0;
          expect(table.get(key, print)).toBe(map.get(key));
          table.set(key, index, print);
          map.set(key, index);
        }
        for (const [key, print] of new Map(entries.toReversed())) expect(table.get(key, print)).toBe(map.get(key));
        expect(table.size).toBe(map.size);
      }),
    );
  });

  it('grows and still finds everything', () => {
    const table = new PrintedTable<number>();
    const hashes = Array.from({ length: 50_000 }, (_, index) => hashOf(String(index)));
    for (const [index, hash] of hashes.entries()) table.set(hash, index, printOfHash(hash));
    expect(hashes.every((hash, index) => table.get(hash, printOfHash(hash)) === index)).toBe(true);
    expect(table.get(hashOf('other'), printOfHash(hashOf('other')))).toBeUndefined();
  });

  it('forgets rather than search long among strings that share a print, and never gives the value of another', () => {
    const table = new PrintedTable<number>();
    for (let index = 0; index < 10_000; index += 1) table.set(`text ${index}`, index, 7);
    expect(table.size).toBeLessThan(100);
    let found = 0;
    for (let index = 0; index < 10_000; index += 1) {
      const value = table.get(`text ${index}`, 7);
      if (value === undefined) continue;
      expect(value).toBe(index);
      found += 1;
    }
    expect(found).toBeGreaterThan(10);
    expect(table.get('text 9999', 7)).toBe(9_999);
  });
});

describe('prints', () => {
  it('of texts differ where their ends, their lengths or the characters in between do', () => {
    const base = 'You are a support agent. '.repeat(40);
    const texts = [base, `${base} `, `${base}a`, `a${base}`, base.replaceAll('support', 'billing')];
    expect(new Set(texts.map(printOfText)).size).toBe(texts.length);
    expect(printOfText('')).toBe(printOfText(''));
  });

  it('of hashes are their last digits, so that those of one conversation differ', () => {
    expect(printOfHash('sha256:00ff00ffdeadbeef') >>> 0).toBe(0xdead_beef);
    expect(printOfHash('abc') >>> 0).toBe(0xabc);
  });
});

it('a cache by prints keeps what is asked for, and forgets what is not', () => {
  const cache = new PrintedCache<string>(10, printOfText);
  const weigh = (): number => 1;
  cache.set('asked', 'A', 1);
  for (let index = 0; index < 100; index += 1) {
    cache.set(`new ${index}`, 'B', 1);
    expect(cache.get('asked', weigh)).toBe('A');
  }
  expect(cache.get('new 0', weigh)).toBeUndefined();
  expect(cache.get('new 99', weigh)).toBe('B');
});
