import { describe, expect, it } from 'vitest';
import { wereWrittenThen, type WrittenSegment } from '../../src/audit/written-then.ts';
import type { Timestamp } from '../../src/contract/time.ts';

const at = (hour: number, minute = 0): Timestamp =>
  `2026-11-20T${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}:00.000000000Z` as Timestamp;

const segment = (writer: string, from: number, to: number, hasEnded: boolean): WrittenSegment => ({
  writer,
  first: at(from),
  last: at(to),
  hasEnded,
});

describe('what has no entry at first', () => {
  const killed = [segment('a', 1, 4, false), segment('a', 6, 9, true)];
  it.each<[string, boolean, Timestamp, readonly WrittenSegment[]]>([
    ['while its process writes', true, at(2), killed],
    ['in the minutes before it was killed', false, at(3, 56), killed],
    ['between its end and the next start', false, at(5), killed],
    ['soon after that', false, at(6, 4), killed],
    ['while the next one writes', true, at(7), killed],
    ['before there was any chain', false, at(0), killed],
    ['after all of them ended', false, at(10), killed],
    ['while a replica that was killed has not come back', false, at(8), [...killed, segment('b', 2, 5, false)]],
    [
      'while a replica is between two starts',
      false,
      at(8),
      [...killed, segment('b', 2, 5, true), segment('b', 9, 10, true)],
    ],
    ['when a replica was gone for good', true, at(8), [...killed, segment('b', 2, 5, true)]],
    ['when there was no other replica yet', true, at(8), [...killed, segment('b', 9, 10, false)]],
  ])('%s', (_when, isOdd, time, segments) => {
    expect(wereWrittenThen(time, segments)).toBe(isOdd);
  });
});
