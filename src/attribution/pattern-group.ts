/**
 * The patterns that share their first and last literal and differ between. A few are simply tried
 * one after the other; from `ANCHORED_FROM` on only those are tried whose anchors the text holds.
 */

import { differingRegion, WindowCounts } from './anchor-choice.ts';
import { AnchorTable } from './anchor-table.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import type { TextProbe } from './text-probe.ts';

// Trying five patterns costs about what hashing the text's windows does.
const ANCHORED_FROM = 6;
// Patterns that were added since are always tried: that is correct, and cheap for a few.
const UNSETTLED_MAX = 4;
const RARE_BELOW_ANCHORS = 2;

export class PatternGroup {
  private readonly members: IndexedPattern[] = [];
  /** Members that were given anchors so far; those after it have none yet. */
  private settledCount = 0;
  private table: AnchorTable | null = null;
  /** Members whose literals are too short for an anchor. */
  private readonly anchorless: number[] = [];
  private readonly latestOfPrompt = new Map<string, number>();
  private readonly found: number[] = [];

  /** Returns true if the group should be settled before it slows matching down. */
  add(pattern: IndexedPattern): boolean {
    this.members.push(pattern);
    return this.members.length >= ANCHORED_FROM && this.members.length - this.settledCount > UNSETTLED_MAX;
  }

  /** Appends every pattern that could match, in no order; perhaps also some that do not. */
  collect(probe: TextProbe, patterns: IndexedPattern[]): void {
    const { members, table, found } = this;
    if (table !== null) {
      found.length = 0;
      table.collect(probe, found);
      for (const member of found) patterns.push(members[member] as IndexedPattern);
      for (const member of this.anchorless) patterns.push(members[member] as IndexedPattern);
    }
    for (let member = this.settledCount; member < members.length; member += 1) {
      patterns.push(members[member] as IndexedPattern);
    }
  }

  /** Gives anchors to the members that have none, if the group is large enough to need them. */
  settle(): void {
    if (this.members.length < ANCHORED_FROM || this.settledCount === this.members.length) return;
    const table = (this.table ??= new AnchorTable());
    const start = this.settledCount;
    this.settledCount = this.members.length;
    for (let member = start; member < this.members.length; member += 1) this.anchorToNeighbour(table, member);
    this.anchorByRarity(table, start);
  }

  private anchorToNeighbour(table: AnchorTable, member: number): void {
    const pattern = this.members[member] as IndexedPattern;
    const before = this.latestOfPrompt.get(pattern.prompt);
    this.latestOfPrompt.set(pattern.prompt, member);
    if (before === undefined) return;
    const neighbour = this.members[before] as IndexedPattern;
    const region = differingRegion(pattern.middleBytes, neighbour.middleBytes);
    if (region !== null) table.add(member, region);
    const regionOfNeighbour = differingRegion(neighbour.middleBytes, pattern.middleBytes);
    // Who had no anchor is always tried already; an anchor would change nothing.
    if (regionOfNeighbour !== null && !this.anchorless.includes(before)) table.add(before, regionOfNeighbour);
  }

  private anchorByRarity(table: AnchorTable, start: number): void {
    const bytes = this.members.reduce((sum, member) => sum + member.literalBytes, 0);
    const poor: number[] = [];
    for (let member = start; member < this.members.length; member += 1) {
      if (table.anchorsOf(member) < RARE_BELOW_ANCHORS) poor.push(member);
    }
    if (poor.length === 0) return;
    const counts = new WindowCounts(Math.min(bytes * 2, WINDOW_COUNTERS_MAX));
    for (const member of this.members) counts.add(member.middleBytes);
    for (const member of poor) {
      const region = counts.rarestRegion((this.members[member] as IndexedPattern).middleBytes);
      if (region !== null) table.add(member, region);
      else if (table.anchorsOf(member) === 0) this.anchorless.push(member);
    }
  }
}

// 32 MB for the moment that a group of ten thousand patterns is settled.
const WINDOW_COUNTERS_MAX = 1 << 24;
