/**
 * What a process recorded and did not enter, because it ended before, is entered late by the next. What is entered late
 * although all chains were being written when it was recorded comes from nobody who writes one. Pure.
 */

import type { Timestamp } from '../contract/time.ts';
import { addMillis } from '../lib/time.ts';

export interface WrittenSegment {
  readonly writer: string;
  readonly first: Timestamp;
  readonly last: Timestamp;
  /** It told of its end: nothing was left to enter. */
  readonly hasEnded: boolean;
}

/** Of a process that begins or ends, and of clocks that differ. */
export const AROUND_MS = 300_000;

/** Whether every chain that there was at `at` was being written, so that what was recorded then has its entry. */
export function wereWrittenThen(at: Timestamp, segments: readonly WrittenSegment[]): boolean {
  const [before, after] = [addMillis(at, -AROUND_MS), addMillis(at, AROUND_MS)];
  let isAnyWritten = false;
  for (const own of Map.groupBy(segments, ({ writer }) => writer).values()) {
    if (own.every(({ first }) => first > before)) continue;
    if (own.some(({ first, last }) => first <= before && last >= after)) isAnyWritten = true;
    else if (!own.every(({ last }) => last < before) || !own.reduce(laterOf).hasEnded) return false;
  }
  return isAnyWritten;
}

function laterOf(a: WrittenSegment, b: WrittenSegment): WrittenSegment {
  return a.last < b.last ? b : a;
}
