import fc from 'fast-check';
import { expect, it } from 'vitest';
import { textLines } from '../../src/lib/text-lines.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (bytes: Uint8Array, size = 7, charactersMax?: number): Promise<string[]> =>
  Array.fromAsync(textLines(inChunks(bytes, size), charactersMax));

it('are those of the text, wherever chunks end, with a mark of the encoding and either end of a line', async () => {
  const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r\n\ufeff]/.test(text));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom('utf8' as const, 'utf16le' as const),
      fc.integer({ min: 2, max: 20 }),
      async (lines, ending, encoding, size) => {
        const text = lines.map((each) => `${each}${ending}`).join('');
        expect(await read(Buffer.from(`\ufeff${text}`, encoding), size)).toEqual(lines);
        expect(await read(Buffer.from(lines.join(ending)), size)).toEqual(lines);
      },
    ),
  );
});

it('are cut where they are endless', async () => {
  expect(await read(Buffer.from(`${'a'.repeat(50)}\nb\n${'c'.repeat(9)}`), 7, 8)).toEqual([
    'a'.repeat(8),
    'b',
    'c'.repeat(8),
  ]);
});
