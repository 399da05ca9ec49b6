/**
 * All patterns, so that a text is compared with few of them: a walk along its beginning finds the
 * patterns whose first literal it starts with, a walk along its end those whose last literal it
 * ends with, and anchors choose among those that are left. Finds exactly what trying every pattern
 * would find.
 */

import { ByteForest } from './byte-forest.ts';
import { Comparison } from './comparison.ts';
import { matches } from './indexed-pattern.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import { PatternGroup } from './pattern-group.ts';
import type { TextProbe } from './text-probe.ts';

/**
 * `best` gives those with the most literal bytes and then the fewest gaps; `brute force` gives all
 * and tries everything: what the index is checked against.
 */
export type SearchMode = 'best' | 'all' | 'brute force';

/** The patterns that begin with one literal: those that are nothing else, and the others by their last literal. */
interface Beginning {
  readonly key: string;
  readonly whole: IndexedPattern[];
  /** A tree in the forest of endings; 0 if all are whole. */
  ends: number;
}

export class PatternIndex {
  private readonly beginnings = new ByteForest<Beginning>('forwards');
  private readonly allBeginnings = this.beginnings.plant();
  private readonly endings = new ByteForest<PatternGroup>('backwards');
  private readonly all: IndexedPattern[] = [];
  private readonly unsettled = new Set<PatternGroup>();
  private readonly comparison = new Comparison();
  // Kept between texts, so that a search allocates next to nothing.
  private readonly metBeginnings: Beginning[] = [];
  private readonly metGroups: PatternGroup[] = [];

  get size(): number {
    return this.all.length;
  }

  /** Whether the work limit ended the last search before everything was compared. */
  get isIncomplete(): boolean {
    return this.comparison.isIncomplete;
  }

  add(pattern: IndexedPattern): void {
    this.all.push(pattern);
    const beginning = this.beginnings.at(this.allBeginnings, pattern.first, () => ({
      key: pattern.first,
      whole: [],
      ends: 0,
    }));
    if (pattern.gaps === 0) {
      beginning.whole.push(pattern);
      return;
    }
    if (beginning.ends === 0) beginning.ends = this.endings.plant();
    const group = this.endings.at(beginning.ends, pattern.last, () => new PatternGroup(pattern.first, pattern.last));
    if (group.add(pattern)) this.unsettled.add(group);
  }

  /** To be called after patterns were added; matching is right without it, and slower. */
  settle(): void {
    for (const group of this.unsettled) group.settle();
    this.unsettled.clear();
  }

  find(probe: TextProbe, mode: SearchMode): readonly IndexedPattern[] {
    const { comparison, metBeginnings } = this;
    const text = probe.bytes;
    comparison.start(text, mode !== 'best');
    if (mode === 'brute force')
      return this.all.filter((pattern) => pattern.owners.length > 0 && matches(pattern, text));
    const met = this.beginnings.collect(this.allBeginnings, text, metBeginnings);
    // The longest beginning first: it is the likeliest, and what it finds spares the others.
    for (let at = met - 1; at >= 0; at -= 1) {
      const { key, whole, ends } = metBeginnings[at] as Beginning;
      if (key.length === text.length) for (const pattern of whole) comparison.offerWhole(pattern);
      if (ends !== 0) this.searchGroups(probe, ends);
    }
    return comparison.found;
  }

  private searchGroups(probe: TextProbe, ends: number): void {
    const { metGroups } = this;
    const met = this.endings.collect(ends, probe.bytes, metGroups);
    for (let at = met - 1; at >= 0; at -= 1) (metGroups[at] as PatternGroup).searchText(probe, this.comparison);
  }
}
