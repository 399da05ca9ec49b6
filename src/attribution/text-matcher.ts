/**
 * One text against everything that is registered: equal to a registered text, a render of one, or
 * neither. The hot path; what is slow and seldom needed happens only to texts that nothing matched.
 */

import { normaliseTransport } from '../text/hashes.ts';
import { ExactIndex } from './exact-index.ts';
import type { IndexedPattern, TemplatePart } from './indexed-pattern.ts';
import { PatternIndex } from './pattern-index.ts';
import type { SearchMode } from './pattern-index.ts';
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

export class TextMatcher {
  private readonly probe = new TextProbe();
  private readonly exact = new ExactIndex();
  private readonly strong = new PatternIndex();
  /** Patterns that match nearly everything are asked last, so that they cost nothing otherwise. */
  private readonly faint = new PatternIndex();

  get patternCount(): number {
    return this.strong.size + this.faint.size;
  }

  addPattern(pattern: IndexedPattern): void {
    (pattern.literalBytes < EVIDENCE_BYTES_MIN ? this.faint : this.strong).add(pattern);
  }

  addText(content: string, part: TemplatePart): void {
    this.probe.prepare(content);
    this.exact.add(this.probe, part);
  }

  settle(): void {
    this.strong.settle();
    this.faint.settle();
  }

  /** Makes a text the one that is looked for next. */
  prepare(text: string): void {
    this.probe.prepare(text);
  }

  /** Of the prepared text; the same for texts that are equal once trimmed. */
  contentHash(): number {
    return this.probe.contentHash();
  }

  /** The best patterns for the prepared text. */
  find(text: string): TextFinding {
    return this.findIn(text, 'best');
  }

  /** Every pattern that the prepared text is an instance of. */
  findAll(text: string): TextFinding {
    return this.findIn(text, 'all');
  }

  /** What `findAll` must give, from trying everything. For tests and the benchmark. */
  findAllByBruteForce(text: string): TextFinding {
    return this.findIn(text, 'brute force');
  }

  private findIn(text: string, mode: SearchMode): TextFinding {
    const finding = this.findPrepared(mode);
    if ((finding.patterns.length > 0 && !finding.isFaint) || finding.equal.length > 0) return finding;
    // Of ASCII, a transport changes line ends and what the trim took already.
    if (this.probe.isAscii && !text.includes('\r')) return finding;
    const normalised = normaliseTransport(text);
    if (normalised === text) return finding;
    this.probe.prepare(normalised);
    const second = this.findPrepared(mode);
    return second.patterns.length > 0 || second.equal.length > 0 ? second : finding;
  }

  private findPrepared(mode: SearchMode): TextFinding {
    const { probe, strong, faint } = this;
    const equal = this.exact.find(probe);
    let patterns = strong.find(probe, mode);
    const isFaint = patterns.length === 0 && faint.size > 0;
    if (isFaint) patterns = faint.find(probe, mode);
    const isIncomplete = strong.isIncomplete || (isFaint && faint.isIncomplete);
    return { equal, patterns, isFaint: isFaint && patterns.length > 0, bytes: probe.bytes, isIncomplete };
  }
}
