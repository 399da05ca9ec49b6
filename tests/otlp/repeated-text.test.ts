/** Texts that come again are decoded and read once, and nobody can tell but by the time it takes. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LazyText } from '../../src/otlp/lazy-text.ts';

const lazy = (bytes: Buffer): LazyText => new LazyText(Buffer.concat([Buffer.from('<'), bytes]), 1, bytes.length + 1);
const parse = (text: string): unknown => JSON.parse(text);

describe('a text', () => {
  it('is what its bytes say, however often and beside whatever it comes', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((all) => Buffer.from(all));
    const order = fc.array(fc.nat(5), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 6, maxLength: 6 }), order, (texts, indexes) => {
        for (const index of indexes) {
          const each = texts[index] as Buffer;
          expect(lazy(each).toString()).toBe(each.toString('utf8'));
          expect(lazy(each).read((text) => text.length)).toBe(each.toString('utf8').length);
          expect(lazy(each).bytes.equals(each)).toBe(true);
        }
      }),
    );
  });

  it('that comes again is read once by each reader in turn', () => {
    const bytes = Buffer.from(
      JSON.stringify([{ type: 'text', content: `You are a helpful agent. ${'ä'.repeat(200)}` }]),
    );
    let reads = 0;
    const counting = (text: string): unknown => {
      reads += 1;
      return parse(text);
    };
    const read = Array.from({ length: 5 }, () => lazy(bytes).read(counting));
    expect(read.every((each) => JSON.stringify(each) === bytes.toString())).toBe(true);
    // The first time nobody knows that it will come again.
    expect(reads).toBe(2);
    expect(read[4]).toBe(read[1]);
    expect(lazy(bytes).read((text) => text.length)).toBe(bytes.toString().length);
    expect(lazy(bytes).read(counting)).toEqual(read[0]);
  });

  it('is right while far more texts come again than are kept', () => {
    const texts = Array.from({ length: 1_200 }, (_, index) => Buffer.from(`${index} ${'x'.repeat(20_000)}`));
    for (let round = 0; round < 3; round += 1)
      for (const each of texts) expect(lazy(each).toString()).toBe(each.toString());
  });
});
