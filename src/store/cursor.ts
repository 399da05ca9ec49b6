/** Keyset cursors: where the next page starts, opaque to whoever carries it. Pure. */

import { Fault } from '../contract/fault.ts';
import type { Page, PageOf } from '../contract/store.ts';
import { charactersIn, PAGE_CHARACTERS_MAX } from '../lib/page-size.ts';
import { parseTimestamp } from '../lib/time.ts';

export const PAGE_LIMIT_MAX = 1_000;

export function pageLimit(page: Page): number {
  return Math.min(PAGE_LIMIT_MAX, Math.max(1, Math.floor(page.limit)));
}

/** The key of the last row of the previous page, its time first, or null for the first page. Throws a `Fault` for what we did not write. */
export function decodeCursor(page: Page, parts: number): readonly string[] | null {
  if (page.cursor === undefined) return null;
  try {
    const key: unknown = JSON.parse(Buffer.from(page.cursor, 'base64url').toString('utf8'));
    const isKey = Array.isArray(key) && key.length === parts && key.every((part) => typeof part === 'string');
    if (isKey && parseTimestamp(key[0] ?? '') === key[0]) return key;
  } catch {
    // Falls through: whatever is wrong with it, the answer is the same.
  }
  throw new Fault('permanent', 'The cursor is not one that this list gave.', {
    field: 'cursor',
    hint: 'Pass `next_cursor` of the previous page as it is, or leave it out for the first page.',
  });
}

/** What `decodeCursor` reads. */
export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Read at once: few at first, since one may be as large as a page. */
const ROWS_AT_ONCE = 20;
const ROWS_AT_ONCE_MAX = 100;

/**
 * `rows` are up to one more than `limit`: the one that shows that there is a next page. `read` gives an item
 * for each row. Where they are large, the page ends before `limit`.
 */
export async function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly string[],
  read: (rows: readonly Row[]) => Promise<readonly Item[]> | readonly Item[],
): Promise<PageOf<Item>> {
  const wanted = rows.slice(0, limit);
  const items: Item[] = [];
  let atOnce = ROWS_AT_ONCE;
  for (let characters = 0; items.length < wanted.length && characters < PAGE_CHARACTERS_MAX;) {
    const some = await read(wanted.slice(items.length, items.length + atOnce));
    items.push(...some);
    characters += charactersIn(some);
    atOnce = Math.min(atOnce * 2, ROWS_AT_ONCE_MAX);
  }
  const last = rows[items.length - 1];
  const more = rows.length > items.length && last !== undefined;
  return { items, nextCursor: more ? encodeCursor(keyOf(last)) : null };
}
