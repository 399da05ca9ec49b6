/**
 * The audit chain: what was recorded, in entries that each hold the hash of the one before. Whoever edits the record
 * afterwards has to write all that follows anew, and a hash that was noted elsewhere shows that; see docs/audit.md.
 */

import type { Page, PageOf } from './store.ts';
import type { Timestamp } from './time.ts';

export type AuditHash = `sha256:${string}`;

/** What is hashed, by name. The order of the names is part of it. */
export type AuditFields = Readonly<Record<string, string | null>>;

/** Kinds of entries about one row of the store. */
export const ROW_KINDS = ['version', 'pin', 'observation', 'incident', 'restore'] as const;
export type RowKind = (typeof ROW_KINDS)[number];

/** Of an `observations` entry many rows are the content; of the others that are no `RowKind` it stands in the entry. */
export const AUDIT_KINDS = ['begin', 'end', 'configuration', 'retention', 'observations', ...ROW_KINDS] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** `late`: found without an entry after it was recorded. `earlier`: recorded before there was a chain. */
export const ENTERED = ['at_once', 'late', 'earlier'] as const;
export type Entered = (typeof ENTERED)[number];

export interface AuditEntry {
  /** Who wrote it: one data directory. Its segments are one chain. */
  readonly writer: string;
  /** From one start of a process to its end. */
  readonly segment: string;
  /** Counts from 1 in its segment. */
  readonly sequence: number;
  readonly at: Timestamp;
  readonly kind: AuditKind;
  /** Leads to the row; what the parts are depends on the kind. */
  readonly subject: readonly string[];
  readonly entered: Entered;
  readonly contentHash: AuditHash;
  /** Null where the content is a row, or rows. */
  readonly content: AuditFields | null;
  /** Of the entry before; of a `begin` that is the last of the segment before. Null for the first of a writer. */
  readonly previousHash: AuditHash | null;
  readonly hash: AuditHash;
}

/** The last entry of a chain: noted elsewhere, it shows later that nothing before it was edited. */
export type AuditHead = Pick<AuditEntry, 'writer' | 'segment' | 'sequence' | 'at' | 'hash'>;

export const AUDIT_FINDINGS = [
  'entry_altered',
  'entry_missing',
  'entry_inserted',
  'link_broken',
  'head_missing',
  'row_altered',
  'row_gone',
  'row_without_entry',
  'rows_altered',
  'text_altered',
  'text_gone',
  'report_incomplete',
] as const;

/** Something that is not as it was recorded. */
export interface AuditFinding {
  readonly what: (typeof AUDIT_FINDINGS)[number];
  /** The entry that it is about, as far as there is one. */
  readonly segment: string | null;
  readonly sequence: number | null;
  readonly kind: AuditKind | null;
  readonly subject: readonly string[];
  readonly words: string;
}

export interface AuditVerification {
  readonly entries: number;
  readonly segments: number;
  /** Of rows, by kind: how many were compared. */
  readonly rows: Readonly<Record<string, number>>;
  readonly heads: readonly AuditHead[];
  /** Entered after they were recorded, by why. */
  readonly late: number;
  readonly earlier: number;
  /** Recorded a moment ago: their entries are not written yet. */
  readonly waiting: number;
  /** Observations from before there was a chain. */
  readonly notCovered: number;
  /** What retention let go of. Nothing that the chain is about is ever among it. */
  readonly letGo: readonly AuditFields[];
  /** The first of them. */
  readonly findings: readonly AuditFinding[];
  readonly findingsTotal: number;
}

/** For a person who waits. */
export interface AuditProgress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

export interface AuditFilter {
  readonly kind?: AuditKind | undefined;
  readonly from?: Timestamp | undefined;
  readonly to?: Timestamp | undefined;
}

export interface AuditQuestion {
  /** Hashes that must be in a chain. */
  readonly noted: readonly string[];
  /** Only observations since then are compared, of which there may be billions. All else is, in any case. */
  readonly from?: Timestamp | undefined;
}

/** A line of a page of a report: an entry with its content, or a text that a content names. */
export type ReportLine =
  | (AuditEntry & { readonly text?: undefined })
  | { readonly text: AuditHash; readonly content: string };

export interface AuditLog {
  /** Newest first. */
  list(filter: AuditFilter, page: Page): Promise<PageOf<AuditEntry>>;
  /** The last entry of each chain. */
  heads(): Promise<readonly AuditHead[]>;
  /** In the order of the chains: entries of rows with the row as it stands now, a text after it is first named on a page. */
  report(period: Pick<AuditFilter, 'from' | 'to'>, page: Page): Promise<PageOf<ReportLine>>;
  /** Of an entry of kind `observations`: the rows that it is about, as they stand now. Null where there is no such entry. */
  rows(place: Pick<AuditEntry, 'segment' | 'sequence'>, page: Page): Promise<PageOf<AuditFields> | null>;
  verify(question: AuditQuestion, onProgress?: (progress: AuditProgress) => void): Promise<AuditVerification>;
}
