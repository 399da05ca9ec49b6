/**
 * Gathers what callers append at the same time into one insert. An insert costs milliseconds
 * however few rows it has, so ten thousand targets that each append one row must share.
 */

import { Fault } from '../contract/fault.ts';

const WAITING_MAX = 200_000;

interface Waiting<Item> {
  readonly items: readonly Item[];
  readonly settled: PromiseWithResolvers<void>;
}

/**
 * Resolves when the items are written. While one write runs, what comes meanwhile waits and goes
 * together, at most `batchMax` items (or one caller's, if those are more). A failed write fails all
 * whose items were in it; they may repeat it.
 */
export function groupCommit<Item>(
  batchMax: number,
  write: (items: readonly Item[]) => Promise<void>,
): (items: readonly Item[]) => Promise<void> {
  const waiting: Waiting<Item>[] = [];
  let waitingItems = 0;
  let writing = false;

  const takeBatch = (): readonly Waiting<Item>[] => {
    let size = 0;
    const end = waiting.findIndex(({ items }, index) => (size += items.length) > batchMax && index > 0);
    const batch = waiting.splice(0, end < 0 ? waiting.length : end);
    for (const { items } of batch) waitingItems -= items.length;
    return batch;
  };

  const writeAll = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const batch = takeBatch();
      try {
        await write(batch.flatMap(({ items }) => items));
        for (const { settled } of batch) settled.resolve();
      } catch (error) {
        for (const { settled } of batch) settled.reject(error);
      }
    }
    writing = false;
  };

  return async (items) => {
    if (items.length === 0) return;
    if (waitingItems + items.length > WAITING_MAX && waiting.length > 0) {
      throw new Fault('overloaded', `${waitingItems} rows wait for the store.`, { retryAfterMs: 1_000 });
    }
    const entry: Waiting<Item> = { items, settled: Promise.withResolvers<void>() };
    waiting.push(entry);
    waitingItems += items.length;
    if (!writing) void writeAll();
    await entry.settled.promise;
  };
}
