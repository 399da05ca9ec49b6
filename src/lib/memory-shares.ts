/**
 * Which part of their size whatever may be forgotten may have in this thread: all of it, unless memory is short. One knob
 * for all caches, also for those that are made when their module is loaded, and one for memory that waits to be used again.
 */

export interface MemoryShares {
  /** Between 0 and 1, as the other. */
  readonly caches: number;
  readonly spareRooms: number;
}

let shares: MemoryShares = { caches: 1, spareRooms: 1 };

/** Holds from now on, also for what is there already. */
export function setMemoryShares(values: MemoryShares): void {
  shares = values;
}

export function memoryShares(): MemoryShares {
  return shares;
}

/** What a cache that may hold so much with plenty of memory may hold now. */
export function cacheRoom(most: number): number {
  return most * shares.caches;
}

/** The same of memory that waits to be used again. */
export function spareRoom(most: number): number {
  return most * shares.spareRooms;
}
