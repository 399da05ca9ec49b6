/** The order in which a registry's history is told, so that a reading which breaks off goes on where it stopped. */

import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import type { VersionsPower } from '../../src/contract/source.ts';
import { millisFromTimestamp } from '../../src/lib/time.ts';
import { timeFrom } from './time-from.ts';

export type IsKnown = NonNullable<Parameters<VersionsPower['list']>[2]>;
type History = ReturnType<VersionsPower['list']>;

/** For who asks without knowing anything yet. */
export const nothingKnown: IsKnown = () => false;

/** All of it with the cursor of before, only the last with the new one: it stands for everything. */
export async function* toldSince(
  since: string | null,
  versions: AsyncIterable<RegisteredVersion>,
  end: () => string,
): History {
  let last: RegisteredVersion | null = null;
  for await (const version of versions) {
    if (last !== null) yield { version: last, cursor: since ?? '' };
    last = version;
  }
  if (last !== null) yield { version: last, cursor: end() };
}

/**
 * For registries that say when each prompt last changed: the prompt that changed first comes first,
 * and the cursor is the time up to which all changes were told. What changed at that very time is
 * looked at again, because more may have.
 */
export async function* changedSince<Prompt>(
  since: string | null,
  prompts: readonly Prompt[],
  changedAt: (prompt: Prompt) => string | null | undefined,
  versions: (prompt: Prompt) => AsyncIterable<RegisteredVersion>,
  /** All versions of the prompt were taken. */
  whenTold: (prompt: Prompt) => void = () => undefined,
): History {
  const changes = prompts.map((prompt) => ({ prompt, at: changedAt(prompt) ?? '' }));
  const news = changes.filter(({ at }) => !isBefore(at, since));
  let cursor = since;
  for (const { prompt, at } of news.toSorted((a, b) => (inOrder(a.at) < inOrder(b.at) ? -1 : 1))) {
    yield* toldSince(cursor, versions(prompt), () => at);
    whenTold(prompt);
    cursor = at;
  }
}

// People go on editing while a list is read page by page: a change on a page that was read already
// is older than what the last page shows.
const LOOK_BACK_MS = 300_000;

/**
 * From where to list again, for lists that show without another question which versions are known;
 * null: from the beginning.
 */
export function lookBack(since: string | null): string | null {
  const time = timeFrom(since);
  return time === null ? null : new Date(millisFromTimestamp(time) - LOOK_BACK_MS).toISOString();
}

/** A change that was told up to this cursor. */
export function isBefore(changedAt: string, since: string | null): boolean {
  return inOrder(changedAt) < inOrder(since ?? '');
}

/** Times as APIs give them, with more digits or less, made comparable as texts. */
function inOrder(time: string): string {
  return timeFrom(time) ?? time;
}
