import { describe, expect, it } from 'vitest';
import { decodeCursor, toPage } from '../../src/store/cursor.ts';
import { addMillis } from '../../src/lib/time.ts';
import { time } from '../support/store-samples.ts';

interface Row {
  readonly at: string;
  readonly characters: number;
}

const rowsOf = (count: number, characters: (index: number) => number): Row[] =>
  Array.from({ length: count }, (_, index) => ({
    at: addMillis(time('02:47:00'), index),
    characters: characters(index),
  }));

/** Every page of at most `limit`, as the times of its rows. */
async function pages(rows: readonly Row[], limit: number): Promise<string[][]> {
  const all: string[][] = [];
  for (let cursor: string | undefined; ;) {
    const [after] = decodeCursor({ limit, cursor }, 1) ?? [''];
    const rest = rows.filter(({ at }) => at > (after ?? '')).slice(0, limit + 1);
    const page = await toPage(
      rest,
      limit,
      ({ at }) => [at],
      (some) => some.map(({ at, characters }) => ({ at, message: { parts: [{ text: 'x'.repeat(characters) }] } })),
    );
    all.push(page.items.map(({ at }) => at));
    if (page.nextCursor === null) return all;
    cursor = page.nextCursor;
  }
}

describe('pages', () => {
  it('have as many rows as asked for, and all together each row once', async () => {
    const rows = rowsOf(250, () => 10);
    const found = await pages(rows, 100);
    expect(found.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(found.flat()).toEqual(rows.map(({ at }) => at));
  });

  it('end early where rows are large, and lose none', async () => {
    const rows = rowsOf(250, (index) => (index % 3 === 0 ? 1_000_000 : 10));
    const found = await pages(rows, 200);
    expect(Math.max(...found.map(({ length }) => length))).toBeLessThan(150);
    expect(found.flat()).toEqual(rows.map(({ at }) => at));
    expect(
      await pages(
        rowsOf(3, () => 20_000_000),
        1,
      ),
    ).toHaveLength(3);
  });
});
