/** Checks an exported report line by line, with nothing but what is in it. Pure. */

import type { AuditEntry, AuditFields, AuditHead, AuditVerification, ReportLine } from '../contract/audit.ts';
import { AUDIT_KINDS } from '../contract/audit.ts';
import { sha256 } from '../lib/hash.ts';
import { bytesOfHash, digestOfHashes, encodeFields } from './encoding.ts';
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
  /** Whether the observations of each batch stand behind its entry. */
  readonly rows: boolean;
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

/** A batch has a twentieth of it. */
const BATCH_ROWS_MAX = 400_000;

type Written = Record<string, unknown>;

const TEXTS = ['writer', 'segment', 'at', 'entered', 'content_hash', 'hash'];

/** Null for what nobody exported: anybody may have written the file. */
function entryOf(line: Written): AuditEntry | null {
  const { sequence, kind, subject, content, previous_hash: previous } = line;
  if (TEXTS.some((name) => typeof line[name] !== 'string') || typeof sequence !== 'number') return null;
  if (!Array.isArray(subject) || subject.some((part) => typeof part !== 'string')) return null;
  if (previous !== null && typeof previous !== 'string') return null;
  if (content !== null && !areFields(content)) return null;
  if (!AUDIT_KINDS.some((known) => known === kind)) return null;
  return {
    ...(line as unknown as AuditEntry),
    contentHash: line['content_hash'] as AuditEntry['contentHash'],
    previousHash: previous as AuditEntry['previousHash'],
  };
}

function areFields(value: unknown): value is AuditFields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  return Object.values(value).every((field) => field === null || typeof field === 'string');
}

export class ReportCheck {
  readonly #findings = new Findings();
  readonly #chains: ChainCheck;
  readonly #rows: Record<string, number> = {};
  readonly #entered = { late: 0, earlier: 0 };
  readonly #letGo: NonNullable<AuditEntry['content']>[] = [];
  /** Two processes may have entered one batch: any of them may be right. */
  readonly #matched = new Set<string>();
  readonly #unmatched: { readonly batch: string; readonly entry: AuditEntry; readonly words: string }[] = [];
  #lines = 0;
  #hasRows = false;
  /** The batch whose observations may follow. */
  #batch: { readonly entry: AuditEntry; readonly hashes: Set<string> } | null = null;
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
    if (line !== null && 'row_of' in line) {
      this.#row(line);
      return true;
    }
    this.#endBatch();
    if (line === null) this.#strange('can’t be read');
    else if ('end' in line) this.#end(line);
    else if ('text' in line) this.#text(line);
    else this.#entry(line);
    return true;
  }

  end(): AuditVerification {
    this.#endBatch();
    for (const { batch, entry, words } of this.#unmatched)
      if (!this.#matched.has(batch)) this.#findings.about(entry, 'rows_altered', words);
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
    this.#hasRows = line['rows'] === true;
    // A report up to its export has the heads of then in it.
    if (to === null && Array.isArray(heads))
      for (const { at, hash } of heads) if (from === null || at >= from) this.#chains.note(hash);
    return true;
  }

  #entry(line: Written): void {
    const entry = entryOf(line);
    if (entry === null) return this.#strange('is no entry');
    this.#chains.take(entry);
    if (entry.entered !== 'at_once') this.#entered[entry.entered] += 1;
    if (entry.kind === 'retention' && entry.content !== null) this.#letGo.push(entry.content);
    if (entry.kind === 'observations' && this.#hasRows) this.#batch = { entry, hashes: new Set() };
    if (entry.content !== null) this.#rows[entry.kind] = (this.#rows[entry.kind] ?? 0) + 1;
    else if (entry.kind !== 'observations')
      this.#findings.about(entry, 'row_gone', 'The row that it is about was not in the store when this was exported.');
  }

  #row({ row_of: of, content }: Written): void {
    const batch = this.#batch;
    if (batch === null || batch.entry.hash !== of || batch.hashes.size >= BATCH_ROWS_MAX)
      return this.#strange('is a row of no entry before it');
    if (!areFields(content)) return this.#strange('is no row');
    batch.hashes.add(bytesOfHash(encodeFields(content)));
  }

  #endBatch(): void {
    if (this.#batch === null) return;
    const { entry, hashes } = this.#batch;
    this.#batch = null;
    this.#rows['observations'] = (this.#rows['observations'] ?? 0) + hashes.size;
    const [segment, number, recorded, from, to] = entry.subject;
    const batch = `${segment} ${number}`;
    if (digestOfHashes(hashes) === entry.contentHash) {
      this.#matched.add(batch);
      return;
    }
    const words = `The observations from ${from} to ${to} that stand here, ${hashes.size} of ${recorded}, are not those that were recorded.`;
    this.#unmatched.push({ batch, entry, words });
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
