/**
 * Patterns that a text was found to be worth comparing with: those of one prompt, as a rule. A few
 * are simply tried one after the other; of more only those whose anchors the text holds. What was
 * added since anchors were given is always tried: that is right, and for a few cheap.
 */

import { differingRegion, WindowCounts } from './anchor-choice.ts';
import { AnchorTable } from './anchor-table.ts';
import type { AnchorRegion } from './anchor-table.ts';
import type { Comparison } from './comparison.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import type { TextProbe } from './text-probe.ts';

// Trying five patterns costs about what hashing the text's windows does.
const TRIED_MAX = 5;
const ENOUGH_ANCHORS = 2;
// A region that more prompts than this have brings more surplus candidates than it keeps away.
const SHARED_BY_MAX = 8;

export class PatternFamily {
  private literalBytesMax = 0;
  /** The newest of the members that are tried one after the other; each leads to the next without a list between. */
  private tried: IndexedPattern | null = null;
  private triedCount = 0;
  private anchored: Anchored | null = null;
  private searchedFor = 0;

  /** Returns true if the family should be settled before it slows matching down. */
  add(pattern: IndexedPattern): boolean {
    pattern.next = this.tried;
    this.tried = pattern;
    this.triedCount += 1;
    this.literalBytesMax = Math.max(this.literalBytesMax, pattern.literalBytes);
    return this.triedCount > TRIED_MAX;
  }

  /** Offers every member that could match, if what members differ in lies from byte `start` to byte `end`. */
  search(probe: TextProbe, start: number, end: number, comparison: Comparison): void {
    if (this.literalBytesMax < comparison.literalBytesMin) return;
    for (let pattern = this.tried; pattern !== null; pattern = pattern.next) comparison.offer(pattern);
    this.anchored?.search(probe, start, end, comparison);
  }

  /** The same, for a family that is come upon several times in one text. */
  searchOnce(probe: TextProbe, start: number, end: number, comparison: Comparison): void {
    if (this.searchedFor === comparison.number) return;
    this.searchedFor = comparison.number;
    this.search(probe, start, end, comparison);
  }

  /** Gives anchors to the members that have none, if there are too many to try. */
  settle(): void {
    if (this.triedCount <= TRIED_MAX) return;
    this.anchored ??= new Anchored();
    this.anchored.addAll(this.triedMembers());
    this.tried = null;
    this.triedCount = 0;
  }

  protected members(): IndexedPattern[] {
    return [...(this.anchored?.members ?? []), ...this.triedMembers()];
  }

  protected clear(): void {
    this.anchored = null;
    this.tried = null;
    this.triedCount = 0;
  }

  /** Oldest first. */
  private triedMembers(): IndexedPattern[] {
    const members: IndexedPattern[] = [];
    for (let pattern = this.tried; pattern !== null; pattern = pattern.next) members.push(pattern);
    return members.toReversed();
  }
}

/** Members with anchors, apart by the kind of window: the short windows are needed by few, small patterns. */
class Anchored {
  readonly members: IndexedPattern[] = [];
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
      const lineage = lineageOf(pattern);
      const before = this.latestOfLineage.get(lineage);
      this.latestOfLineage.set(lineage, start + at);
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
    const seen = new Set(this.latestOfLineage.keys());
    const firsts = added.filter((pattern) => {
      const lineage = lineageOf(pattern);
      const isFirst = !seen.has(lineage);
      seen.add(lineage);
      return isFirst;
    });
    this.counts.addAll(firsts.map(({ middleBytes }) => middleBytes));
  }
}

function lineageOf({ prompt, ordinal }: IndexedPattern): string {
  return `${prompt} ${ordinal}`;
}
