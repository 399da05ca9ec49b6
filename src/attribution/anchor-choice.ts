/**
 * Which regions of a pattern tell it from the others of its group. Versions of one prompt share
 * nearly everything, so the places that matter are where a version begins to differ from the one
 * before and the one after it. Without such a place, the region that the group has least often.
 */

import { LONG_REGION_BYTES, SHORT_REGION_BYTES } from './anchor-table.ts';
import type { AnchorRegion } from './anchor-table.ts';
import { hashWindow, LONG_WINDOW_BYTES, SHORT_WINDOW_BYTES } from './window-hashes.ts';

/** The literals between a pattern's first and last. */
export type Middle = readonly string[];

/** Regions of `middle` around its first (or else last) difference from `other`; none if too short. */
export function differingRegion(middle: Middle, other: Middle): AnchorRegion | null {
  return regionFromLeft(middle, other) ?? regionFromRight(middle, other);
}

function regionFromLeft(middle: Middle, other: Middle): AnchorRegion | null {
  let block = 0;
  while (block < middle.length && middle[block] === other[block]) block += 1;
  const bytes = middle[block];
  if (bytes === undefined) return null;
  const beside = other[block] ?? '';
  let at = 0;
  while (at < bytes.length && bytes.charCodeAt(at) === beside.charCodeAt(at)) at += 1;
  return regionAround(bytes, at);
}

function regionFromRight(middle: Middle, other: Middle): AnchorRegion | null {
  let block = 1;
  while (block <= middle.length && middle.at(-block) === other.at(-block)) block += 1;
  const bytes = middle.at(-block);
  if (bytes === undefined || block > middle.length) return null;
  const beside = other.at(-block) ?? '';
  let at = 1;
  while (at <= bytes.length && bytes.at(-at) === beside.at(-at)) at += 1;
  return regionAround(bytes, bytes.length - at);
}

/** The region in whose every window the byte at `at` lies, or as near as the literal's ends allow. */
function regionAround(bytes: string, at: number): AnchorRegion | null {
  const isLong = bytes.length >= LONG_REGION_BYTES;
  const size = isLong ? LONG_REGION_BYTES : SHORT_REGION_BYTES;
  if (bytes.length < size) return null;
  const start = Math.max(0, Math.min(at - (size >> 1), bytes.length - size));
  return { bytes, start, isLong };
}

/**
 * Counts how often windows occur, roughly: several may share a counter, which makes them look less
 * rare than they are, and costs speed but nothing else.
 */
export class WindowCounts {
  private counts = new Uint16Array(256);
  private readonly counted: Middle[] = [];
  private countedBytes = 0;

  addAll(middles: readonly Middle[]): void {
    for (const middle of middles) this.countedBytes += middle.reduce((sum, { length }) => sum + length, 0);
    const size = Math.min(COUNTERS_MAX, 2 ** Math.ceil(Math.log2(this.countedBytes * 4 + 1)));
    if (size > this.counts.length) {
      this.counts = new Uint16Array(size);
      for (const middle of this.counted) this.count(middle);
    }
    for (const middle of middles) {
      this.counted.push(middle);
      this.count(middle);
    }
  }

  /** The count of the most common of so many windows from the start of a region, by a sample. */
  mostCommon({ bytes, start, isLong }: AnchorRegion, windows = isLong ? 16 : 8): number {
    let most = 0;
    for (let at = 0; at < windows; at += 5) {
      const slot = hashWindow(bytes, start + at, isLong) & (this.counts.length - 1);
      most = Math.max(most, this.counts[slot] as number);
    }
    return most;
  }

  /** Of regions half a region apart, the one whose most common window is rarest. */
  rarestRegion(middle: Middle): AnchorRegion | null {
    let best: AnchorRegion | null = null;
    let fewest = Infinity;
    for (const bytes of middle) {
      const isLong = bytes.length >= LONG_REGION_BYTES;
      const size = isLong ? LONG_REGION_BYTES : SHORT_REGION_BYTES;
      for (let start = 0; start + size <= bytes.length; start += size >> 1) {
        const region = { bytes, start, isLong };
        // Long regions first: a window of 8 bytes is met by chance where one of 16 is not.
        const count = this.mostCommon(region) * (isLong ? 1 : 4) + (isLong ? 0 : 1);
        if (count >= fewest) continue;
        fewest = count;
        best = region;
      }
    }
    return best;
  }

  private count(middle: Middle): void {
    const mask = this.counts.length - 1;
    for (const bytes of middle) {
      for (const isLong of [true, false]) {
        const windowBytes = isLong ? LONG_WINDOW_BYTES : SHORT_WINDOW_BYTES;
        for (let at = 0; at + windowBytes <= bytes.length; at += 1) {
          const slot = hashWindow(bytes, at, isLong) & mask;
          if ((this.counts[slot] as number) < 0xffff) this.counts[slot] = (this.counts[slot] as number) + 1;
        }
      }
    }
  }
}

// 32 MB, for a group of tens of thousands of prompts.
const COUNTERS_MAX = 1 << 24;
