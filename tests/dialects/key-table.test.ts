/** Which dialects are asked about a span. */

import { describe, expect, it } from 'vitest';
import { KeyTable } from '../../src/dialects/key-table.ts';

const MANY = 200;

function tableOf(count: number, more: readonly { name: string; keys: string[]; scopes?: string[] }[] = []) {
  const dialects = Array.from({ length: count }, (_, index) => ({ name: `d${index}`, keys: [`key${index}.`] }));
  const table = new KeyTable([...dialects, ...more], ['parts.']);
  return (keys: readonly string[], scope = '') => {
    const { dialects: asked, hasTokenParts } = table.candidates(scope, new Map(keys.map((key) => [key, 'x'])));
    return [...asked.map(({ name }) => name), ...(hasTokenParts ? ['parts'] : [])];
  };
}

describe('a key table', () => {
  it('tells any number of dialects apart', () => {
    const asked = tableOf(MANY);
    for (let index = 0; index < MANY; index += 1) expect(asked([`key${index}.a`])).toEqual([`d${index}`]);
    expect(asked(['parts.a'])).toEqual(['parts']);
    expect(asked(['http.method', 'key1'])).toEqual([]);
  });

  it('asks the strongest first, each once, in whatever order the keys come', () => {
    const asked = tableOf(9, [{ name: 'by scope', keys: ['key3.'], scopes: ['a scope'] }]);
    const keys = ['key7.b', 'http.method', 'key3.a', 'parts.x', 'key7.a', 'key0.a'];
    for (const some of [keys, keys.toReversed(), keys.toSorted(), keys]) {
      expect(asked(some)).toEqual(['d0', 'd3', 'd7', 'by scope', 'parts']);
    }
    expect(asked(['key1.a'], 'a scope of its own')).toEqual(['d1', 'by scope']);
  });

  it('is right for more combinations of keys than it remembers, and for more keys', () => {
    const asked = tableOf(14);
    for (let round = 0; round < 2; round += 1) {
      for (let combination = 0; combination < 2 ** 14; combination += 1) {
        const places = Array.from({ length: 14 }, (_, place) => place).filter(
          (place) => (combination >> place) % 2 > 0,
        );
        expect(asked(places.map((place) => `key${place}.${combination}`))).toEqual(places.map((place) => `d${place}`));
      }
    }
  });
});
