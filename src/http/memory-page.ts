/** Pages of lists that the daemon has in memory, as the store's lists have them. */

import type { Page, PageOf } from '../contract/store.ts';
import { charactersIn, PAGE_CHARACTERS_MAX } from '../lib/page-size.ts';
import { badRequest } from './problem.ts';

/** `keyOf` tells the items apart. Where they are large, the page ends before `limit`. Throws a problem for another list's cursor. */
export function memoryPage<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  { limit, cursor }: Page,
): PageOf<Item> {
  const start = cursor === undefined ? 0 : after(items, keyOf, cursor);
  let end = start;
  for (let characters = 0; end < items.length && end - start < limit && characters < PAGE_CHARACTERS_MAX; end += 1)
    characters += charactersIn(items[end]);
  const last = items[end - 1];
  const isMore = end < items.length && last !== undefined;
  return { items: items.slice(start, end), nextCursor: isMore ? encode(keyOf(last)) : null };
}

function after<Item>(items: readonly Item[], keyOf: (item: Item) => string, cursor: string): number {
  const index = items.findIndex((item) => encode(keyOf(item)) === cursor);
  if (index !== -1) return index + 1;
  throw badRequest(
    'The cursor is not one that this list gave, or what it stood for is gone.',
    [{ field: 'cursor', message: 'is not right' }],
    'Pass `next_cursor` of the previous page as it is, or leave it out for the first page.',
  );
}

function encode(key: string): string {
  return Buffer.from(key).toString('base64url');
}
