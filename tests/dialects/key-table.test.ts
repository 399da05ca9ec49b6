/** Which dialects are asked about a span. */

import { expect, it } from 'vitest';
import { KeyTable } from '../../src/dialects/key-table.ts';

function dialects(count: number) {
  return Array.from({ length: count }, (_, index) => ({ name: `d${index}`, keys: [`key${index}.`] }));
}

it('tells as many dialects apart as it holds, and refuses one more', () => {
  const table = new KeyTable(dialects(31), ['parts.']);
  const asked = (key: string) => table.candidates('', new Map([[key, 'x']]));
  expect(asked('key30.a')).toMatchObject({ dialects: [{ name: 'd30' }], hasTokenParts: false });
  expect(asked('key0.a')).toMatchObject({ dialects: [{ name: 'd0' }], hasTokenParts: false });
  expect(asked('parts.a')).toMatchObject({ dialects: [], hasTokenParts: true });
  expect(() => new KeyTable(dialects(32), [])).toThrow('31 dialects');
});
