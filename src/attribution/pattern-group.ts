/**
 * The patterns that share their first and last literal and differ between. A few are simply tried
 * one after the other; from `ANCHORED_FROM` on only those are tried whose anchors the text holds.
 */

import { differingRegion, WindowCounts } from './anchor-choice.ts';
import type { Middle } from './anchor-choice.ts';
import { AnchorTable } from './anchor-table.ts';
import type { AnchorRegion } from './anchor-table.ts';
import type { Comparison } from './comparison.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import type { TextProbe } from './text-probe.ts';

// Trying five patterns costs about what hashing the text's windows does.
const ANCHORED_FROM = 6;
// Patterns that were added since are always tried: that is correct, and cheap for a few.
const UNSETTLED_MAX = 4;
const ENOUGH_ANCHORS = 2;
// A region that more prompts than this have brings more surplus candidates than it keeps away.
const SHARED_BY_MAX = 8;

export class PatternGroup {
  /** The last literal of all members. */
  readonly key: string;
  private readonly firstBytes: number;
  private readonly members: IndexedPattern[] = [];
  private literalBytesMax = 0;
  /** Members that were given anchors so far; those after it have none yet. */
  private settledCount = 0;
  private anchored: Anchored | null = null;

  constructor(first: string, last: string) {
    this.key = last;
    this.firstBytes = first.length;
  }

  /** Returns true if the group should be settled before it slows matching down. */
  add(pattern: IndexedPattern): boolean {
    this.members.push(pattern);
    this.literalBytesMax = Math.max(this.literalBytesMax, pattern.literalBytes);
    return this.members.length >= ANCHORED_FROM && this.members.length - this.settledCount > UNSETTLED_MAX;
  }

  /** Offers every pattern that could match. */
  search(probe: TextProbe, comparison: Comparison): void {
    if (this.literalBytesMax < comparison.literalBytesMin) return;
    for (let at = this.settledCount; at < this.members.length; at += 1) {
      comparison.offer(this.members[at] as IndexedPattern);
    }
    // What members differ in lies behind their first literal and before their last.
    this.anchored?.search(probe, this.firstBytes, probe.bytes.length - this.key.length, comparison);
  }

  /** Gives anchors to the members that have none, if the group is large enough to need them. */
  settle(): void {
    if (this.members.length < ANCHORED_FROM) return;
    this.anchored ??= new Anchored();
    this.anchored.addAll(this.members.slice(this.settledCount));
    this.settledCount = this.members.length;
  }
}

/** Members with anchors, apart by the kind of window: the short windows are needed by few, small patterns. */
class Anchored {
  private readonly members: IndexedPattern[] = [];
  private readonly long = new AnchorTable();
  private readonly mixed = new AnchorTable();
  private mixedBytesMax = 0;
  /** Which table each member is in; null if none. */
  private readonly tables: (AnchorTable | null)[] = [];
  /** Members whose literals are too short for any anchor. */
  private readonly anchorless: IndexedPattern[] = [];
  private readonly counts = new WindowCounts();
  private readonly latestOfLineage = new Map<string, number>();
  private readonly hits: number[] = [];

  /** Looks for anchors in the text from byte `start` to byte `end`. */
  search(probe: TextProbe, start: number, end: number, comparison: Comparison): void {
    this.searchTable(this.long, probe, start, end, comparison);
    // Members with short windows have little text: an answer that was found may spare them all.
    if (this.mixedBytesMax >= comparison.literalBytesMin) this.searchTable(this.mixed, probe, start, end, comparison);
    for (const member of this.anchorless) comparison.offer(member);
  }

  private searchTable(table: AnchorTable, probe: TextProbe, start: number, end: number, comparison: Comparison): void {
    const { hits, members } = this;
    const count = table.collect(probe, start, end, hits);
    for (let at = 0; at < count; at += 1) comparison.offer(members[hits[at] as number] as IndexedPattern);
  }

  addAll(added: readonly IndexedPattern[]): void {
    this.countWindows(added);
    const regions = added.map((): AnchorRegion[] => []);
    const start = this.members.length;
    this.members.push(...added);
    for (const [at, pattern] of added.entries()) {
      const before = this.latestOfLineage.get(pattern.lineage);
      this.latestOfLineage.set(pattern.lineage, start + at);
      if (before === undefined) continue;
      const neighbour = (this.members[before] as IndexedPattern).middleBytes;
      regions[at]?.push(...this.telling(differingRegion(pattern.middleBytes, neighbour)));
      const forNeighbour = this.telling(differingRegion(neighbour, pattern.middleBytes));
      if (before >= start) regions[before - start]?.push(...forNeighbour);
      else for (const region of forNeighbour) this.tables[before]?.add(before, region);
    }
    for (const [at, pattern] of added.entries()) this.enter(pattern, start + at, regions[at] as AnchorRegion[]);
  }

  private enter(pattern: IndexedPattern, member: number, regions: readonly AnchorRegion[]): void {
    const rarest = regions.length < ENOUGH_ANCHORS ? this.counts.rarestRegion(pattern.middleBytes) : null;
    const all = rarest === null ? regions : [...regions, rarest];
    const long = all.filter(({ isLong }) => isLong);
    const chosen = long.length > 0 ? long : all;
    const table = chosen.every(({ isLong }) => isLong) ? this.long : this.mixed;
    this.tables[member] = chosen.length === 0 ? null : table;
    for (const region of chosen) table.add(member, region);
    if (chosen.length === 0) this.anchorless.push(pattern);
    else if (table === this.mixed) this.mixedBytesMax = Math.max(this.mixedBytesMax, pattern.literalBytes);
  }

  private telling(region: AnchorRegion | null): readonly AnchorRegion[] {
    return region !== null && this.counts.mostCommon(region) <= SHARED_BY_MAX ? [region] : [];
  }

  /** One version speaks for its whole lineage: what matters is how many prompts have a window. */
  private countWindows(added: readonly IndexedPattern[]): void {
    const seen = new Set<string>();
    const firsts: Middle[] = [];
    for (const { lineage, middleBytes } of added) {
      if (seen.has(lineage) || this.latestOfLineage.has(lineage)) continue;
      seen.add(lineage);
      firsts.push(middleBytes);
    }
    this.counts.makeRoomFor(firsts.flat().reduce((sum, literal) => sum + literal.length, 0));
    for (const middle of firsts) this.counts.add(middle);
  }
}
