/** The powers of a place where each target is one object with an id: an agent, an assistant, a document. */

import { Fault } from '../../src/contract/fault.ts';
import type {
  DiscoverPower,
  LiveContent,
  LivePower,
  Reading,
  RestorePower,
  RestoreRequest,
  SourceTarget,
} from '../../src/contract/source.ts';
import { readEach } from './read-each.ts';
import { rewrite } from './rewrite.ts';

export type Contents = readonly [LiveContent, ...LiveContent[]];

export interface ByIdPlace<Target, Item> {
  readonly idOf: (target: SourceTarget<Target>) => string;
  /** Null: the place says that there is no such object. */
  readonly one: (id: string, target: SourceTarget<Target>, signal: AbortSignal) => Promise<Item | null>;
  /** Null: the object is there and holds no such prompt. */
  readonly contentsOf: (item: Item, target: SourceTarget<Target>) => Contents | null;
  /** All objects, whole, where the place lists them so: one question answers for a page of targets. */
  readonly all?: (signal: AbortSignal) => AsyncIterable<readonly [id: string, item: Item]>;
}

// Below this many, asking for each is cheaper than asking for the list.
const LIST_FROM = 4;

export function liveById<Target, Item>(place: ByIdPlace<Target, Item>): LivePower<Target> {
  return {
    read: async function* (targets, _known, signal) {
      const { all } = place;
      const listed =
        all === undefined || targets.length < LIST_FROM ? null : new Map(await Array.fromAsync(all(signal)));
      // What the list leaves out (archived, not shared) is asked for before it is said to be missing.
      yield* readEach(targets, signal, (target) => readById(place, target, signal, listed?.get(place.idOf(target))));
    },
  };
}

export async function readById<Target, Item>(
  place: ByIdPlace<Target, Item>,
  target: SourceTarget<Target>,
  signal: AbortSignal,
  listed?: Item,
): Promise<Reading> {
  const item = listed ?? (await place.one(place.idOf(target), target, signal));
  const contents = item === null ? null : place.contentsOf(item, target);
  if (contents !== null) return { outcome: 'held', target: target.id, contents };
  const reason = item === null ? `There is no ${place.idOf(target)}.` : `${place.idOf(target)} holds no such prompt.`;
  return { outcome: 'missing', target: target.id, reason };
}

/** `write` gets the object as it was when it was compared. */
export function restoreById<Target, Item>(
  place: ByIdPlace<Target, Item>,
  how: Pick<RestorePower<Target>, 'form' | 'comparesAndSets'>,
  write: (item: Item, target: SourceTarget<Target>, request: RestoreRequest, signal: AbortSignal) => Promise<unknown>,
): RestorePower<Target> {
  return {
    ...how,
    restore: async (target, request, signal) => {
      let item: Item | null = null;
      const read = async (): Promise<Reading> => {
        item = await place.one(place.idOf(target), target, signal);
        return readById({ ...place, one: () => Promise.resolve(item) }, target, signal);
      };
      return rewrite(target.id, request, read, async () => {
        if (item !== null) return write(item, target, request, signal);
        throw new Fault('permanent', `There is no ${place.idOf(target)} to write to.`, {
          hint: 'Create it again first.',
        });
      });
    },
  };
}

/** Everything in the list that holds text. `describe` gives the name and the target of an object's prompts. */
export function discoverById<Target, Item>(
  place: ByIdPlace<Target, Item>,
  all: (signal: AbortSignal) => AsyncIterable<readonly [id: string, item: Item]>,
  describe: (id: string, item: Item) => readonly { readonly name: string; readonly target: Target }[],
): DiscoverPower {
  return {
    discover: async function* (signal) {
      for await (const [id, item] of all(signal)) {
        for (const { name, target } of describe(id, item)) {
          const [content] = place.contentsOf(item, { id: name, prompt: name, config: target }) ?? [];
          if (content !== undefined) yield { name, target, content };
        }
      }
    },
  };
}
