/**
 * Which part of their size the caches of this thread may have: all of it, unless memory is short. One knob for all of
 * them, also for those that are made when their module is loaded: what they hold may be forgotten at any moment.
 */

let share = 1;

/** Between 0 and 1. Holds from now on, also for caches that are there already. */
export function setCacheShare(value: number): void {
  share = value;
}

/** What a cache that may hold so much with plenty of memory may hold now. */
export function cacheRoom(most: number): number {
  return most * share;
}
