/**
 * Which members of a group have all their anchors in a text. An anchor is a region of a literal; a
 * text is probed only at aligned offsets, and a region is long enough (31 bytes for windows of 16,
 * 15 for windows of 8) to hold exactly one aligned window wherever it lies. So every window of a
 * region is entered here, and a text that holds the region hits one of them.
 */

import { grown, PostingTable } from './posting-table.ts';
import type { TextProbe } from './text-probe.ts';
import { hashWindow, LONG_WINDOW_BYTES, SHORT_WINDOW_BYTES } from './window-hashes.ts';
import type { WindowHashes } from './window-hashes.ts';

export interface AnchorRegion {
  readonly bytes: string;
  readonly start: number;
  readonly isLong: boolean;
}

export const LONG_REGION_BYTES = 31;
export const SHORT_REGION_BYTES = 15;
/** Anchors of one member, told apart by a bit each. */
const ANCHORS_MAX = 3;

const NEEDED = 0;
const HIT = 1;
const HIT_BY = 2;
const MEMBER_SIZE = 3;

export class AnchorTable {
  /** From a window's hash to members times four, plus which of its anchors it belongs to. */
  private readonly windows = new PostingTable();
  private hasLong = false;
  private hasShort = false;
  /** For each member three numbers: bits that must be hit, bits that were hit, and by which text. */
  private members = new Int32Array(64 * MEMBER_SIZE);
  private textNumber = 0;

  /** From now on the member needs this region as well, unless it has its `ANCHORS_MAX`. */
  add(member: number, region: AnchorRegion): void {
    while ((member + 1) * MEMBER_SIZE > this.members.length) this.members = grown(this.members);
    const anchor = this.anchorsOf(member);
    if (anchor >= ANCHORS_MAX) return;
    const windows = region.isLong ? 16 : 8;
    for (let at = 0; at < windows; at += 1) {
      this.windows.add(hashWindow(region.bytes, region.start + at, region.isLong), member * 4 + anchor);
    }
    const at = member * MEMBER_SIZE + NEEDED;
    this.members[at] = (this.members[at] as number) | (1 << anchor);
    if (region.isLong) this.hasLong = true;
    else this.hasShort = true;
  }

  anchorsOf(member: number): number {
    return 32 - Math.clz32(this.members[member * MEMBER_SIZE + NEEDED] ?? 0);
  }

  /**
   * Puts the members all of whose anchors are in the text from byte `start` to byte `end` into
   * `found` from its beginning, and returns how many.
   */
  collect(probe: TextProbe, start: number, end: number, found: number[]): number {
    this.textNumber = (this.textNumber + 1) | 0;
    let count = 0;
    if (this.hasLong) count = this.collectBy(probe.longWindows, LONG_WINDOW_BYTES, start, end, found, count);
    if (this.hasShort) count = this.collectBy(probe.shortWindows, SHORT_WINDOW_BYTES, start, end, found, count);
    return count;
  }

  private collectBy(
    hashes: WindowHashes,
    windowBytes: number,
    start: number,
    end: number,
    found: number[],
    foundBefore: number,
  ): number {
    const { windows } = this;
    const from = Math.ceil(start / windowBytes);
    const to = Math.floor(end / windowBytes);
    hashes.make(from, to);
    const { values } = hashes;
    let count = foundBefore;
    for (let at = windows.nextOf(values, from, to, 1); at < to; at = windows.nextOf(values, at + 1, to, 1)) {
      count = this.hitAll(windows.first(values[at] as number), found, count);
    }
    return count;
  }

  private hitAll(first: number, found: number[], foundBefore: number): number {
    const { windows, members, textNumber } = this;
    let count = foundBefore;
    for (let posting = first; posting !== 0; posting = windows.after(posting)) {
      const value = windows.valueAt(posting);
      const at = (value >>> 2) * MEMBER_SIZE;
      const before = members[at + HIT_BY] === textNumber ? (members[at + HIT] as number) : 0;
      const now = before | (1 << (value & 3));
      members[at + HIT_BY] = textNumber;
      members[at + HIT] = now;
      if (now !== before && now === members[at + NEEDED]) found[count++] = value >>> 2;
    }
    return count;
  }
}
