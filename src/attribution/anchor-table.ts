/**
 * Which members of a group have all their anchors in a text. An anchor is a region of a literal; a
 * text is probed only at aligned offsets, and a region is long enough (31 bytes for windows of 16,
 * 15 for windows of 8) to hold exactly one aligned window wherever it lies. So every window of a
 * region is entered here, and a text that holds the region hits one of them.
 */

import { grown, PostingTable } from './posting-table.ts';
import { hashWindow } from './text-probe.ts';
import type { TextProbe } from './text-probe.ts';

export interface AnchorRegion {
  readonly bytes: string;
  readonly start: number;
  readonly isLong: boolean;
}

export const LONG_REGION_BYTES = 31;
export const SHORT_REGION_BYTES = 15;
/** Anchors of one member, told apart by a bit each. */
const ANCHORS_MAX = 3;

export class AnchorTable {
  /** From a window's hash to members times four, plus which of its anchors it belongs to. */
  private readonly windows = new PostingTable();
  private hasLong = false;
  private hasShort = false;
  /** For each member: bits that must be hit, bits that were hit, and by which text. */
  private needed = new Uint8Array(64);
  private hit = new Uint8Array(64);
  private hitBy = new Int32Array(64);
  private textNumber = 0;

  /** From now on the member needs this region as well, unless it has its `ANCHORS_MAX`. */
  add(member: number, region: AnchorRegion): void {
    while (member >= this.needed.length) {
      this.needed = grown(this.needed);
      this.hit = grown(this.hit);
      this.hitBy = grown(this.hitBy);
    }
    const anchor = this.anchorsOf(member);
    if (anchor >= ANCHORS_MAX) return;
    const windows = region.isLong ? 16 : 8;
    for (let at = 0; at < windows; at += 1) {
      this.windows.add(hashWindow(region.bytes, region.start + at, region.isLong), member * 4 + anchor);
    }
    this.needed[member] = (this.needed[member] ?? 0) | (1 << anchor);
    if (region.isLong) this.hasLong = true;
    else this.hasShort = true;
  }

  anchorsOf(member: number): number {
    return 32 - Math.clz32(this.needed[member] ?? 0);
  }

  /** Appends the members all of whose anchors are in the text. */
  collect(probe: TextProbe, members: number[]): void {
    probe.hashWindows();
    this.textNumber += 1;
    if (this.hasLong) this.collectBy(probe.longHashes, probe.longCount, members);
    if (this.hasShort) this.collectBy(probe.shortHashes, probe.shortCount, members);
  }

  private collectBy(hashes: Int32Array, count: number, members: number[]): void {
    const { windows } = this;
    for (let at = 0; at < count; at += 1) {
      const hash = hashes[at] as number;
      if (windows.mayHave(hash)) this.hitAll(windows.first(hash), members);
    }
  }

  private hitAll(first: number, members: number[]): void {
    const { windows, needed, hit, hitBy, textNumber } = this;
    for (let posting = first; posting !== 0; posting = windows.after(posting)) {
      const value = windows.valueAt(posting);
      const member = value >>> 2;
      const before = hitBy[member] === textNumber ? (hit[member] as number) : 0;
      const now = before | (1 << (value & 3));
      hitBy[member] = textNumber;
      hit[member] = now;
      if (now !== before && now === needed[member]) members.push(member);
    }
  }
}
