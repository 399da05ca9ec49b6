/**
 * One text against everything that is registered: equal to a registered text, a render of one, or
 * neither. The hot path; what is slow and seldom needed happens only to texts that nothing matched.
 */

import { normaliseTransport } from '../text/hashes.ts';
import { toByteString } from './byte-string.ts';
import { ExactIndex } from './exact-index.ts';
import type { IndexedPattern, TemplatePart } from './indexed-pattern.ts';
import { PatternIndex } from './pattern-index.ts';
import { TextProbe } from './text-probe.ts';

// With less, a match says next to nothing: `{{context}}\n{{question}}` matches any text of two lines.
export const EVIDENCE_BYTES_MIN = 24;

export interface TextFinding {
  /** Parts whose own source is this text, apart from white space at its ends. */
  readonly equal: readonly TemplatePart[];
  /** Patterns with the most literal bytes, all equally good; or in `all` mode every pattern. */
  readonly patterns: readonly IndexedPattern[];
  /** True where the patterns have fewer than `EVIDENCE_BYTES_MIN` literal bytes. */
  readonly isFaint: boolean;
  /** The byte string that the patterns matched: the text, trimmed, perhaps normalised. */
  readonly bytes: string;
  /** True if the work limit ended the search; then a better match may exist. */
  readonly isIncomplete: boolean;
}

const NOTHING: readonly never[] = [];

export class TextMatcher {
  private readonly probe = new TextProbe();
  private readonly exact = new ExactIndex();
  private readonly strong = new PatternIndex();
  /** Patterns that match nearly everything are asked last, so that they cost nothing otherwise. */
  private readonly faint = new PatternIndex();
  private readonly best: IndexedPattern[] = [];

  get patternCount(): number {
    return this.strong.size + this.faint.size;
  }

  addPattern(pattern: IndexedPattern): void {
    this.indexFor(pattern).add(pattern);
  }

  addText(content: string, part: TemplatePart): void {
    this.exact.add(toByteString(content.trim()), part);
  }

  settle(): void {
    this.strong.settle();
    this.faint.settle();
  }

  /** The best patterns for a text. */
  find(text: string): TextFinding {
    return this.findWith(text, (index) => {
      index.findBest(this.probe, this.best);
      return this.best.length === 0 ? NOTHING : this.best.slice();
    });
  }

  /** Every pattern that a text is an instance of. */
  findAll(text: string): TextFinding {
    return this.findWith(text, (index) => index.findAll(this.probe));
  }

  /** What `findAll` must give, from trying everything. For tests and the benchmark. */
  findAllByBruteForce(text: string): TextFinding {
    return this.findWith(text, (index) => index.findAllByBruteForce(this.probe.bytes));
  }

  private findWith(text: string, search: (index: PatternIndex) => readonly IndexedPattern[]): TextFinding {
    const finding = this.findAsIs(text, search);
    if (finding.patterns.length > 0 && !finding.isFaint) return finding;
    if (finding.equal.length > 0) return finding;
    const normalised = normaliseTransport(text);
    if (normalised === text) return finding;
    const second = this.findAsIs(normalised, search);
    return second.patterns.length > 0 || second.equal.length > 0 ? second : finding;
  }

  private findAsIs(text: string, search: (index: PatternIndex) => readonly IndexedPattern[]): TextFinding {
    this.probe.prepare(text);
    const { bytes } = this.probe;
    const equal = this.exact.find(bytes);
    const strong = search(this.strong);
    if (strong.length > 0 || this.faint.size === 0) {
      return { equal, patterns: strong, isFaint: false, bytes, isIncomplete: this.strong.isIncomplete };
    }
    const isIncomplete = this.strong.isIncomplete;
    const faint = search(this.faint);
    return { equal, patterns: faint, isFaint: faint.length > 0, bytes, isIncomplete };
  }

  private indexFor(pattern: IndexedPattern): PatternIndex {
    return pattern.literalBytes < EVIDENCE_BYTES_MIN ? this.faint : this.strong;
  }
}
