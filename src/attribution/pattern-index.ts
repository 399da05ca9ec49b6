/**
 * All patterns, so that a text is compared with few of them: a walk along its beginning finds the
 * patterns whose first literal it starts with, a walk along its end those whose last literal it
 * ends with, and anchors choose among those that are left. Finds exactly what trying every pattern
 * would find.
 */

import { ByteTree } from './byte-tree.ts';
import { matches, middleMatches } from './indexed-pattern.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import { PatternGroup } from './pattern-group.ts';
import type { TextProbe } from './text-probe.ts';

/** The patterns that begin with one literal: the one that is nothing else, and the others by their last literal. */
interface Beginning {
  whole: IndexedPattern[];
  ends: ByteTree<PatternGroup> | null;
}

// Bytes that the comparisons of one text may look at. A text of 1 KB would need 16,000 candidates
// to get there: it was made for that.
const WORK_BYTES_MAX = 16 << 20;

export class PatternIndex {
  private readonly beginnings = new ByteTree<Beginning>('forwards');
  private readonly all: IndexedPattern[] = [];
  private readonly unsettled = new Set<PatternGroup>();
  private readonly foundBeginnings: Beginning[] = [];
  private readonly foundGroups: PatternGroup[] = [];
  private readonly lengths: number[] = [];
  private readonly candidates: IndexedPattern[] = [];
  /** Of the last text: patterns compared, and whether the work limit ended the search. */
  comparedCount = 0;
  isIncomplete = false;

  get size(): number {
    return this.all.length;
  }

  add(pattern: IndexedPattern): void {
    this.all.push(pattern);
    const beginning = this.beginnings.at(pattern.first, () => ({ whole: [], ends: null }));
    if (pattern.gaps === 0) {
      beginning.whole.push(pattern);
      return;
    }
    beginning.ends ??= new ByteTree<PatternGroup>('backwards');
    const group = beginning.ends.at(pattern.last, () => new PatternGroup());
    if (group.add(pattern)) this.unsettled.add(group);
  }

  /** To be called after patterns were added; matching is right without it, and slower. */
  settle(): void {
    for (const group of this.unsettled) group.settle();
    this.unsettled.clear();
  }

  /** Fills `best` with the patterns that match and have the most literal bytes; then, the fewest gaps. */
  findBest(probe: TextProbe, best: IndexedPattern[]): void {
    best.length = 0;
    this.search(
      probe,
      (pattern) => {
        const leader = best[0];
        const rank = leader === undefined ? 1 : compareEvidence(pattern, leader);
        if (rank < 0) return;
        if (rank > 0) best.length = 0;
        best.push(pattern);
      },
      best,
    );
  }

  /** Every pattern that matches. */
  findAll(probe: TextProbe): IndexedPattern[] {
    const found: IndexedPattern[] = [];
    this.search(probe, (pattern) => found.push(pattern), []);
    return found;
  }

  /** The same answer as `findAll`, from trying every pattern: what the index is checked against. */
  findAllByBruteForce(text: string): IndexedPattern[] {
    return this.all.filter((pattern) => pattern.owners.length > 0 && matches(pattern, text));
  }

  /** `best` lets candidates be skipped that could not be better than what it holds. */
  private search(probe: TextProbe, accept: (pattern: IndexedPattern) => void, best: readonly IndexedPattern[]): void {
    const text = probe.bytes;
    this.gather(probe, accept);
    const { candidates } = this;
    let work = 0;
    this.comparedCount = 0;
    this.isIncomplete = false;
    // Candidates of the longest beginning come last, and are the likeliest.
    for (let at = candidates.length - 1; at >= 0; at -= 1) {
      const candidate = candidates[at] as IndexedPattern;
      // A pattern without owners was compiled from versions that were removed since.
      if (candidate.literalBytes > text.length || candidate.owners.length === 0) continue;
      const leader = best[0];
      if (leader !== undefined && candidate.literalBytes < leader.literalBytes) continue;
      work += text.length;
      if (work > WORK_BYTES_MAX && this.comparedCount > 0) {
        this.isIncomplete = true;
        return;
      }
      this.comparedCount += 1;
      if (middleMatches(candidate, text)) accept(candidate);
    }
  }

  /** Collects the candidates; patterns without a gap are accepted at once. */
  private gather(probe: TextProbe, accept: (pattern: IndexedPattern) => void): void {
    const text = probe.bytes;
    const { foundBeginnings, foundGroups, lengths, candidates } = this;
    foundBeginnings.length = 0;
    lengths.length = 0;
    candidates.length = 0;
    this.beginnings.collect(text, foundBeginnings, lengths);
    const last = foundBeginnings.length - 1;
    if (last >= 0 && lengths[last] === text.length) {
      for (const pattern of (foundBeginnings[last] as Beginning).whole) {
        if (pattern.owners.length > 0 && matches(pattern, text)) accept(pattern);
      }
    }
    for (const { ends } of foundBeginnings) {
      if (ends === null) continue;
      foundGroups.length = 0;
      ends.collect(text, foundGroups, lengths);
      for (const group of foundGroups) group.collect(probe, candidates);
    }
  }
}

/** Positive if `a` is better evidence than `b`. */
export function compareEvidence(a: IndexedPattern, b: IndexedPattern): number {
  return a.literalBytes - b.literalBytes || b.gaps - a.gaps;
}
