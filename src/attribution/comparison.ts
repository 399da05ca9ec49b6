/** Compares candidates with one text and keeps those that match: all of them, or only the best. */

import { matches, middleMatches } from './indexed-pattern.ts';
import type { IndexedPattern } from './indexed-pattern.ts';

// Bytes that the comparisons of one text may look at. A text of 1 KB would need 16,000 candidates
// to get there: it was made for that.
const WORK_BYTES_MAX = 16 << 20;

/** Differs from comparison to comparison, whichever index they are for: they share what remembers it. */
let latestNumber = 0;

export class Comparison {
  number = 0;
  text = '';
  found: IndexedPattern[] = [];
  /** Patterns with fewer literal bytes can't be among the best; 0 where all are wanted. */
  literalBytesMin = 0;
  /** Whether the work limit left candidates out. */
  isIncomplete = false;
  private wantsAll = false;
  private work = 0;

  start(text: string, wantsAll: boolean): void {
    latestNumber = (latestNumber + 1) | 0;
    this.number = latestNumber;
    this.text = text;
    this.wantsAll = wantsAll;
    this.found = [];
    this.literalBytesMin = 0;
    this.isIncomplete = false;
    this.work = 0;
  }

  /** `pattern` begins and ends as the text does. */
  offer(pattern: IndexedPattern): void {
    const { literalBytes } = pattern;
    if (literalBytes > this.text.length || literalBytes < this.literalBytesMin) return;
    this.work += this.text.length;
    if (this.work > WORK_BYTES_MAX && this.work > this.text.length) this.isIncomplete = true;
    else if (middleMatches(pattern, this.text, this.number)) this.accept(pattern);
  }

  /** `pattern` has no gaps, and may be the text. */
  offerWhole(pattern: IndexedPattern): void {
    if (matches(pattern, this.text)) this.accept(pattern);
  }

  private accept(pattern: IndexedPattern): void {
    // Without owners it was compiled from versions that were removed since.
    if (pattern.soleName === null && pattern.owners.length === 0) return;
    const [leader] = this.found;
    const rank = this.wantsAll || leader === undefined ? 0 : compareEvidence(pattern, leader);
    if (rank > 0) this.found = [pattern];
    else if (rank === 0) this.found.push(pattern);
    if (!this.wantsAll) this.literalBytesMin = Math.max(this.literalBytesMin, pattern.literalBytes);
  }
}

/** Positive if `a` is better evidence: more literal bytes, then fewer gaps. */
function compareEvidence(a: IndexedPattern, b: IndexedPattern): number {
  return a.literalBytes - b.literalBytes || b.gaps - a.gaps;
}
