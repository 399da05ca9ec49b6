/**
 * Gathers what is looked up at the same time into one query. A query costs milliseconds however few rows it gives, so
 * two hundred incidents that are looked up at once must share.
 */

import { groupCommit } from './group-commit.ts';

/**
 * `read` answers each key, in their order. It begins after each of them was asked for, so that it sees all that was
 * written before.
 */
export function groupRead<Key, Value>(
  keysMax: number,
  read: (keys: readonly Key[]) => Promise<readonly Value[]>,
): (key: Key) => Promise<Value> {
  const answer = groupCommit<{ readonly key: Key; value: Value | undefined }>(keysMax, async (asked) => {
    const values = await read(asked.map(({ key }) => key));
    for (const [index, each] of asked.entries()) each.value = values[index];
  });
  return async (key) => {
    const asked: { readonly key: Key; value: Value | undefined } = { key, value: undefined };
    await answer([asked]);
    return asked.value as Value;
  };
}
