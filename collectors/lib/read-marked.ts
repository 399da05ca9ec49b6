/** Asks a list first, which tells by a mark (a time, a version) what changed, and reads only that. */

import type { Reading, SourceTarget } from '../../src/contract/source.ts';
import { readEach } from './read-each.ts';

// Below this many, asking for each is cheaper than asking for the list first.
const LIST_FROM = 4;

/**
 * `listMarks` gives the mark of a target by its id; who is not in it is read. `read` gets the mark to
 * give it as cursor, where the content can't change without it.
 */
export async function* readMarked<Target>(
  targets: readonly SourceTarget<Target>[],
  known: ReadonlyMap<string, string>,
  signal: AbortSignal,
  listMarks: () => Promise<ReadonlyMap<string, string>>,
  read: (target: SourceTarget<Target>, mark: string | null) => Promise<Reading>,
): AsyncIterable<Reading> {
  const marks: ReadonlyMap<string, string> = targets.length < LIST_FROM ? new Map() : await listMarks();
  yield* readEach(targets, signal, async (target) => {
    const mark = marks.get(target.id) ?? null;
    if (mark !== null && known.get(target.id) === mark) return { outcome: 'unchanged', target: target.id };
    return read(target, mark);
  });
}
