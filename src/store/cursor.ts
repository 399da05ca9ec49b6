/** Keyset cursors: where the next page starts, opaque to whoever carries it. Pure. */

import { Fault } from '../contract/fault.ts';
import type { Page, PageOf } from '../contract/store.ts';
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
    hint: 'Pass `next_cursor` of the previous page as it is, or leave it out for the first page.',
  });
}

/** `rows` are up to one more than `limit`: the one that shows that there is a next page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly string[],
  toItem: (row: Row) => Item,
): PageOf<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    items: shown.map(toItem),
    nextCursor: more ? Buffer.from(JSON.stringify(keyOf(last))).toString('base64url') : null,
  };
}
