import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonText } from '../../src/lib/json.ts';

it('writes any text as JSON.stringify does', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => jsonText(text) === JSON.stringify(text)));
  fc.assert(fc.property(fc.string(), (text) => jsonText(text) === JSON.stringify(text)));
  for (const text of ['', 'gpt-4o-2024-08-06', 'a"b', 'a\\b', 'a\nb', '\u0001', '\u007f', '\ud800', 'é']) {
    expect(jsonText(text)).toBe(JSON.stringify(text));
  }
});
