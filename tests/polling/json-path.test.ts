/** Paths into JSON. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import { keysAt, parseJsonPath, valueAt } from '../../src/lib/json-path.ts';

const value = {
  data: {
    items: [
      { name: 'a', text: 'A' },
      { name: 'b', text: 'B', n: 7 },
    ],
  },
  'a.b': { 'c d': 1 },
  nothing: null,
};
const at = (path: string) => valueAt(value, parseJsonPath(path));

describe('a path', () => {
  it.each([
    ['data.items[0].text', 'A'],
    ['data.items[-1].text', 'B'],
    ['data.items[name=b].n', 7],
    ['data.items[n=7].name', 'b'],
    ['["a.b"]["c d"]', 1],
    ['["a.b"].c d', 1],
    ['nothing', null],
    ['', value],
  ])('%s leads somewhere', (path, expected) => {
    expect(at(path)).toEqual(expected);
  });

  it.each([
    'data.other',
    'data.items[2]',
    'data.items[-3]',
    'data.items[name=c]',
    'data[0]',
    'data.items.length',
    'nothing.x',
    'constructor',
    'data.__proto__',
  ])('%s leads nowhere', (path) => {
    expect(at(path)).toBeUndefined();
  });

  it.each(['a[', 'a[x]', '.', 'a..b', 'a[0', 'a]b', '["x]', 'a[=]'])('%s is refused', (path) => {
    expect(() => parseJsonPath(path)).toThrow(Fault);
  });

  it('names plain keys for writing, and a last key that is not there yet', () => {
    expect(keysAt(value, parseJsonPath('data.items[name=b].fresh'))).toEqual(['data', 'items', 1, 'fresh']);
    expect(keysAt(value, parseJsonPath('data.none.fresh'))).toBeNull();
  });

  it('finds any key when it is quoted', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ minLength: 1 }).filter((key) => !key.includes('"')),
          { minLength: 1, maxLength: 4 },
        ),
        (keys) => {
          const nested = keys.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), 'found');
          expect(valueAt(nested, parseJsonPath(keys.map((key) => `["${key}"]`).join('')))).toBe('found');
        },
      ),
    );
  });
});
