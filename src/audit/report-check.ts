/** Checks an exported report line by line, with nothing but what is in it. Pure. */

import type { AuditEntry, AuditHead, AuditVerification, ReportLine } from '../contract/audit.ts';
import { AUDIT_KINDS } from '../contract/audit.ts';
import { sha256 } from '../lib/hash.ts';
import { ChainCheck } from './chain-check.ts';
import { Findings } from './findings.ts';

/** The first line of a report. */
export interface ReportHead {
  readonly plumbline_audit_report: 1;
  readonly how_to_verify: string;
  readonly exported_at: string;
  readonly plumbline: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly heads: readonly AuditHead[];
}

/** The last line: without it the rest of the file is missing. */
export interface ReportEnd {
  readonly end: true;
  readonly entries: number;
}

export const HOW_TO_VERIFY =
  'plumbline audit verify --file FILE, or docs/audit.md of Plumbline, which specifies it for a script of your own.';

export function reportLineShape(line: ReportLine): object {
  if (line.text !== undefined) return { text: line.text, content: line.content };
  return {
    writer: line.writer,
    segment: line.segment,
    sequence: line.sequence,
    at: line.at,
    kind: line.kind,
    subject: line.subject,
    entered: line.entered,
    content_hash: line.contentHash,
    previous_hash: line.previousHash,
    hash: line.hash,
    content: line.content,
  };
}

type Written = Record<string, unknown>;

function entryOf(line: Written): AuditEntry | null {
  const { segment, sequence, kind, subject } = line;
  if (typeof segment !== 'string' || typeof sequence !== 'number' || !Array.isArray(subject)) return null;
  if (!AUDIT_KINDS.some((known) => known === kind)) return null;
  return {
    ...(line as unknown as AuditEntry),
    contentHash: line['content_hash'] as AuditEntry['contentHash'],
    previousHash: line['previous_hash'] as AuditEntry['previousHash'],
  };
}

export class ReportCheck {
  readonly #findings = new Findings();
  readonly #chains: ChainCheck;
  readonly #rows: Record<string, number> = {};
  readonly #entered = { late: 0, earlier: 0 };
  readonly #letGo: NonNullable<AuditEntry['content']>[] = [];
  #lines = 0;
  #hasEnded = false;

  constructor(noted: readonly string[]) {
    this.#chains = new ChainCheck(this.#findings, { isExcerpt: true, noted });
  }

  /** Returns false for a first line that is not one of a report. */
  line(text: string): boolean {
    // At the end of a file.
    if (text.trim() === '' && this.#lines > 0) return true;
    this.#lines += 1;
    const line = parsed(text);
    if (this.#lines === 1) return this.#head(line);
    if (line === null) this.#strange('can’t be read');
    else if ('end' in line) this.#end(line);
    else if ('text' in line) this.#text(line);
    else this.#entry(line);
    return true;
  }

  end(): AuditVerification {
    const heads: readonly AuditHead[] = this.#chains.end();
    if (!this.#hasEnded) this.#incomplete('The report has no last line: a part of it is missing.');
    return {
      entries: this.#chains.entries,
      segments: this.#chains.segments,
      rows: this.#rows,
      heads,
      late: this.#entered.late,
      earlier: this.#entered.earlier,
      waiting: 0,
      notCovered: 0,
      letGo: this.#letGo,
      findings: this.#findings.first,
      findingsTotal: this.#findings.total,
    };
  }

  #head(line: Written | null): boolean {
    if (line?.['plumbline_audit_report'] !== 1) return false;
    const { from, to, heads } = line as unknown as ReportHead;
    // A report up to its export has the heads of then in it.
    if (to === null) for (const { at, hash } of heads) if (from === null || at >= from) this.#chains.note(hash);
    return true;
  }

  #entry(line: Written): void {
    const entry = entryOf(line);
    if (entry === null) return this.#strange('is no entry');
    this.#chains.take(entry);
    if (entry.entered !== 'at_once') this.#entered[entry.entered] += 1;
    if (entry.kind === 'retention' && entry.content !== null) this.#letGo.push(entry.content);
    if (entry.content !== null) this.#rows[entry.kind] = (this.#rows[entry.kind] ?? 0) + 1;
    else if (entry.kind !== 'observations')
      this.#findings.about(entry, 'row_gone', 'The row that it is about was not in the store when this was exported.');
  }

  #text(line: Written): void {
    const { text, content } = line;
    if (typeof content === 'string' && sha256(content) === text) return;
    this.#findings.add({
      what: 'text_altered',
      segment: null,
      sequence: null,
      kind: null,
      subject: [String(text)],
      words: `The text ${String(text)} is not the one that has this hash.`,
    });
  }

  #end(line: Written): void {
    this.#hasEnded = true;
    const { entries } = line;
    if (entries !== this.#chains.entries)
      this.#incomplete(`It had ${String(entries)} entries and has ${this.#chains.entries}.`);
  }

  #strange(what: string): void {
    this.#incomplete(`Line ${this.#lines} ${what}.`);
  }

  #incomplete(words: string): void {
    this.#findings.add({ what: 'report_incomplete', segment: null, sequence: null, kind: null, subject: [], words });
  }
}

function parsed(text: string): Written | null {
  try {
    const line: unknown = JSON.parse(text);
    return line !== null && typeof line === 'object' && !Array.isArray(line) ? (line as Written) : null;
  } catch {
    return null;
  }
}
