/** Walks a list that comes in pages, and ends even when the list does not. */

import { Fault } from '../../src/contract/fault.ts';

// A list that goes on longer than this is no list of prompts.
const PAGES_MAX = 1_000;

/** Notices a list that leads back to a page it had before. */
export class PageGuard {
  readonly #place: string;
  readonly #visited = new Set<string>();

  constructor(place: string) {
    this.#place = place;
  }

  visit(page: string): void {
    if (this.#visited.has(page)) throw new Fault('transient', `${this.#place} leads back to a page it gave before.`);
    this.#visited.add(page);
    if (this.#visited.size > PAGES_MAX)
      throw new Fault('permanent', `${this.#place} has more than ${PAGES_MAX} pages.`);
  }
}

export interface PageOf<Item> {
  readonly items: readonly Item[];
  /** What `ask` needs for the page after this one; null or empty: this was the last. */
  readonly next: string | number | null | undefined;
}

/** All items of all pages. `ask` gets null first, then what the page before named as the next. */
export async function* allPages<Item>(
  place: string,
  ask: (next: string | null) => Promise<PageOf<Item>>,
): AsyncIterable<Item> {
  const guard = new PageGuard(place);
  for (let next: string | null = null; ;) {
    guard.visit(String(next));
    const page: PageOf<Item> = await ask(next);
    yield* page.items;
    if (page.next === null || page.next === undefined || page.next === '') return;
    next = String(page.next);
  }
}
