/** The history of a registry that lists its prompts, and the versions of each: only what is new is asked for. */

import type { VersionsPower } from '../../src/contract/source.ts';
import { changedSince, isBefore, nothingKnown, type IsKnown } from './changed-since.ts';
import { registeredVersion, type ToldVersion } from './registered.ts';

/** A prompt as the list of a registry shows it. */
export interface ListedPrompt {
  /** The place's own name of it, that no other prompt ever has. */
  readonly id: string;
  /** What people call it. Of two prompts with one name the older keeps it; the other gets its id behind it. */
  readonly name: string;
  readonly createdAt?: string | number | null | undefined;
  /** When it last got a version, or was changed otherwise; in a form that `timeFrom` reads. */
  readonly changedAt: string | number | null | undefined;
  /** Its versions, oldest first. */
  readonly versions: () => Promise<readonly ListedVersion[]>;
}

export interface ListedVersion {
  readonly version: string;
  /**
   * A list: its content came with the list. A function: it takes a question, which is not asked for
   * what is known. Several contents where one object holds several prompts; none when it is gone.
   */
  readonly contents: readonly ToldContent[] | (() => Promise<readonly ToldContent[]>);
}

export interface ToldContent extends Omit<ToldVersion, 'prompt' | 'version' | 'parent' | 'registry'> {
  /** Which of several prompts in one object; absent: the one that has its name, which every version has. */
  readonly part?: string;
}

export function listedHistory(
  registry: string,
  prompts: (signal: AbortSignal) => AsyncIterable<ListedPrompt>,
): VersionsPower {
  // By id, the change up to which a prompt was told. Not the cursor's time: while a list is read page
  // by page, something may change on a page that was read, before something that a later page shows.
  const told = new Map<string, string>();
  return {
    list: async function* (since, signal, isKnown = nothingKnown) {
      if (since === null) told.clear();
      const listed = withNames(await Array.fromAsync(prompts(signal)));
      for (const id of new Set(told.keys()).difference(new Set(listed.map((prompt) => prompt.id)))) told.delete(id);
      const last = latest(listed);
      yield* changedSince(
        null,
        listed.filter((prompt) => told.get(prompt.id) !== changeOf(prompt)),
        changeOf,
        (prompt) => versionsOf(prompt, registry, isKnown),
        (prompt) => {
          const change = changeOf(prompt) ?? '';
          // What changed last of all is looked at again: more may change at that very time.
          if (isBefore(change, last)) told.set(prompt.id, change);
        },
      );
    },
  };
}

/** Null where it is not told: then it may have changed at any time. */
function changeOf({ changedAt }: ListedPrompt): string | null {
  return changedAt === null || changedAt === undefined ? null : String(changedAt);
}

function latest(prompts: readonly ListedPrompt[]): string {
  const changes = prompts.map((prompt) => changeOf(prompt) ?? '');
  return changes.reduce((last, change) => (isBefore(last, change) ? change : last), '');
}

/** Keys with values as tags, so that a key `owner` names one. */
export function tagsFrom(pairs: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(pairs).flatMap(([key, value]) => (typeof value === 'string' ? [`${key}:${value}`] : []));
}

async function* versionsOf({ name, versions }: ListedPrompt, registry: string, isKnown: IsKnown) {
  const listed = await versions();
  for (const [index, { version, contents }] of listed.entries()) {
    if (typeof contents === 'function' && isKnown(name, version)) continue;
    const parent = listed[index - 1]?.version ?? null;
    for (const { part, ...content } of typeof contents === 'function' ? await contents() : contents) {
      const prompt = part === undefined ? name : `${name}.${part}`;
      yield registeredVersion({ ...content, prompt, version, parent, registry });
    }
  }
}

function withNames(prompts: readonly ListedPrompt[]): readonly ListedPrompt[] {
  const owners = new Map<string, string>();
  return prompts.toSorted(olderFirst).map((prompt) => {
    const { id, name } = prompt;
    if (!owners.has(name)) owners.set(name, id);
    return owners.get(name) === id ? prompt : { ...prompt, name: `${name}.${id}` };
  });
}

function olderFirst(a: ListedPrompt, b: ListedPrompt): number {
  const [first = '', second = ''] = [a, b].map(({ createdAt, id }) => `${String(createdAt ?? '')}\n${id}`);
  return first < second ? -1 : 1;
}
