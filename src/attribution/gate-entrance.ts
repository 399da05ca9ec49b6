/**
 * One way through a gate: the regions that are found by probing a text at multiples of one stride.
 * Those of patterns with little text have entrances of their own, which a good answer spares.
 */

import type { Comparison } from './comparison.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import type { PatternFamily } from './pattern-family.ts';
import { PostingTable } from './posting-table.ts';
import type { TextProbe } from './text-probe.ts';
import { hashWindow, LONG_WINDOW_BYTES, SHORT_WINDOW_BYTES } from './window-hashes.ts';

export type Stride = 64 | 32 | 16 | 8;
/** Widest first. A region is as long as its stride demands, so short literals need narrow ones. */
export const STRIDES: readonly Stride[] = [64, 32, 16, 8];

/** As many bytes as `regionBytes` says: then a window at a multiple of the stride lies in it wherever it lies. */
export interface Region {
  readonly bytes: string;
  readonly stride: Stride;
}

/** Whether the windows are those of 16 bytes. */
export function isLong(stride: Stride): boolean {
  return stride > SHORT_WINDOW_BYTES;
}

function windowBytes(stride: Stride): number {
  return isLong(stride) ? LONG_WINDOW_BYTES : SHORT_WINDOW_BYTES;
}

export function regionBytes(stride: Stride): number {
  return stride + windowBytes(stride) - 1;
}

export class GateEntrance {
  readonly isOfSlim: boolean;
  readonly stride: Stride;
  /** Of the patterns that are found through here. */
  private literalBytesMax = 0;
  private readonly families: PatternFamily[] = [];
  /** From the hash of a window to the number of the family. */
  private readonly windows = new PostingTable();

  constructor(isOfSlim: boolean, stride: Stride) {
    this.isOfSlim = isOfSlim;
    this.stride = stride;
  }

  /** The pattern is found through here. */
  expect({ literalBytes }: IndexedPattern): void {
    this.literalBytesMax = Math.max(this.literalBytesMax, literalBytes);
  }

  add({ bytes }: Region, family: PatternFamily): void {
    const number = this.families.push(family) - 1;
    for (let at = 0; at < this.stride; at += 1) this.windows.add(hashWindow(bytes, at, isLong(this.stride)), number);
  }

  search(probe: TextProbe, start: number, end: number, comparison: Comparison): void {
    if (this.literalBytesMax < comparison.literalBytesMin) return;
    const { stride, windows } = this;
    const hashes = isLong(stride) ? probe.longWindows : probe.shortWindows;
    const step = stride / windowBytes(stride);
    const from = Math.ceil(start / stride) * step;
    const to = Math.floor(end / windowBytes(stride));
    hashes.makeEvery(step, from, to);
    const { values } = hashes;
    for (let at = windows.nextOf(values, from, to, step); at < to; at = windows.nextOf(values, at + step, to, step)) {
      this.searchFamilies(values[at] as number, probe, start, end, comparison);
    }
  }

  private searchFamilies(hash: number, probe: TextProbe, start: number, end: number, comparison: Comparison): void {
    const { windows, families } = this;
    for (let posting = windows.first(hash); posting !== 0; posting = windows.after(posting)) {
      (families[windows.valueAt(posting)] as PatternFamily).searchOnce(probe, start, end, comparison);
    }
  }
}
