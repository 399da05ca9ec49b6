/**
 * Recomputes chains: each entry's own hash, its place, and its link to the one before; then how the segments hang
 * together. Takes entries segment by segment, in the order of their sequence. Pure.
 */

import { ROW_KINDS, type AuditEntry, type AuditHead } from '../contract/audit.ts';
import { entryHash, hasItsContent, readHeadsText, type SegmentLink } from './entry.ts';
import type { Findings } from './findings.ts';

export interface ChainCheckOptions {
  /** A report of a period begins and ends in the middle of chains. */
  readonly isExcerpt: boolean;
  /** Hashes that somebody noted. */
  readonly noted: readonly string[];
}

interface Link extends SegmentLink {
  readonly entry: AuditEntry;
  /** The segment before of the same chain, or one of another chain that was only known then. */
  readonly isPredecessor: boolean;
}

export class ChainCheck {
  readonly #findings: Findings;
  readonly #options: ChainCheckOptions;
  readonly #missingHeads: Set<string>;
  /** The last entry of each segment. */
  readonly #last = new Map<string, AuditEntry>();
  readonly #links: Link[] = [];
  /** Writers whose chain has more segments before those of the excerpt. */
  readonly #beginInTheMiddle = new Set<string>();
  /** Several segments name the same one. */
  readonly #told = new Set<string>();
  #entries = 0;

  constructor(findings: Findings, options: ChainCheckOptions) {
    this.#findings = findings;
    this.#options = options;
    this.#missingHeads = new Set(options.noted);
  }

  get entries(): number {
    return this.#entries;
  }

  get segments(): number {
    return this.#last.size;
  }

  /** Also this one must be there. */
  note(hash: string): void {
    this.#missingHeads.add(hash);
  }

  take(entry: AuditEntry): void {
    const before = this.#last.get(entry.segment);
    if (before?.sequence === entry.sequence) {
      // What was written twice because nobody knew whether it was written is twice the same.
      if (before.hash !== entry.hash)
        this.#findings.about(entry, 'entry_inserted', 'There are two different entries with this number.');
      return;
    }
    this.#entries += 1;
    const isIntact = this.#checkItself(entry);
    if (isIntact) this.#missingHeads.delete(entry.hash);
    if (before === undefined) this.#checkFirst(entry);
    else this.#checkLink(before, entry);
    this.#last.set(entry.segment, entry);
  }

  /** When all were taken: how segments follow each other. Returns the heads. */
  end(): readonly AuditHead[] {
    const followed = new Set<string>();
    for (const link of this.#links) {
      if (link.isPredecessor) followed.add(link.segment);
      this.#checkSegments(link);
    }
    for (const hash of this.#missingHeads)
      this.#findings.add({
        what: 'head_missing',
        segment: null,
        sequence: null,
        kind: null,
        subject: [],
        words: `No intact entry has the hash ${hash} that was noted.`,
      });
    const heads = [...this.#last.values()].filter(({ segment }) => !followed.has(segment));
    return heads.map(({ writer, segment, sequence, at, hash }) => ({ writer, segment, sequence, at, hash }));
  }

  #checkItself(entry: AuditEntry): boolean {
    if (entryHash(entry) !== entry.hash) {
      this.#findings.about(entry, 'entry_altered', 'The entry does not have its own hash any more.');
      return false;
    }
    if (!hasItsContent(entry)) {
      const isRow = ROW_KINDS.some((kind) => kind === entry.kind);
      const what = isRow ? 'row_altered' : 'entry_altered';
      this.#findings.about(
        entry,
        what,
        `The content that stands ${isRow ? 'beside' : 'in'} the entry is not the one it was.`,
      );
      return isRow;
    }
    return true;
  }

  #checkFirst(entry: AuditEntry): void {
    const { segment, sequence, kind } = entry;
    if (sequence > 1) {
      if (!this.#options.isExcerpt)
        this.#findings.inSegment(segment, 1, 'entry_missing', missingWords(segment, 1, sequence - 1));
      return;
    }
    if (kind !== 'begin') {
      this.#findings.about(entry, 'link_broken', 'The first entry of a segment does not tell of its begin.');
      return;
    }
    const [before, last] = entry.subject;
    if (before !== undefined && entry.previousHash !== null)
      this.#links.push({
        segment: before,
        sequence: Number(last),
        hash: entry.previousHash,
        entry,
        isPredecessor: true,
      });
    for (const head of readHeadsText(entry.content?.['heads'] ?? ''))
      this.#links.push({ ...head, entry, isPredecessor: false });
  }

  #checkLink(before: AuditEntry, entry: AuditEntry): void {
    if (entry.sequence > before.sequence + 1) {
      const [first, last] = [before.sequence + 1, entry.sequence - 1];
      this.#findings.inSegment(entry.segment, first, 'entry_missing', missingWords(entry.segment, first, last));
    } else if (entry.previousHash !== before.hash) {
      this.#findings.about(
        entry,
        'link_broken',
        'It does not follow the entry before it: one of the two was replaced.',
      );
    }
  }

  #checkSegments({ segment, sequence, hash, entry, isPredecessor }: Link): void {
    const last = this.#last.get(segment);
    if (last === undefined) {
      if (!this.#mayBeLeftOut(entry, isPredecessor))
        this.#missing(segment, null, `The whole segment ${segment} is missing.`);
    } else if (last.sequence < sequence) {
      if (this.#options.isExcerpt && !isPredecessor) return;
      this.#missing(segment, last.sequence + 1, missingWords(segment, last.sequence + 1, sequence));
    } else if (last.sequence === sequence) {
      if (last.hash !== hash)
        this.#findings.about(entry, 'link_broken', `It names another last entry of ${segment} than there is.`);
    } else if (isPredecessor) {
      const words = `Entries after ${sequence} were not there when the next segment, ${entry.segment}, began.`;
      this.#findings.inSegment(segment, sequence + 1, 'entry_inserted', words);
    }
  }

  #missing(segment: string, sequence: number | null, words: string): void {
    if (!this.#told.has(words)) this.#findings.inSegment(segment, sequence, 'entry_missing', words);
    this.#told.add(words);
  }

  /** Before an excerpt there may be more of each chain, and in the middle of it not. */
  #mayBeLeftOut({ writer }: AuditEntry, isPredecessor: boolean): boolean {
    if (!this.#options.isExcerpt) return false;
    if (!isPredecessor) return true;
    const isFirst = !this.#beginInTheMiddle.has(writer);
    this.#beginInTheMiddle.add(writer);
    return isFirst;
  }
}

function missingWords(segment: string, first: number, last: number): string {
  const which = first === last ? `Entry ${first}` : `Entries ${first} to ${last}`;
  return `${which} of ${segment} ${first === last ? 'is' : 'are'} missing.`;
}
