/**
 * Writes the chain of this process: what was stored gets its entry within about a second. Nothing waits for that, and
 * nothing fails with it: what could not be entered is found at the next start, or sooner, by `late-entries.ts`.
 */

import { hashOfFields } from '../../audit/encoding.ts';
import { headsText, placed, type EntryDraft } from '../../audit/entry.ts';
import type { AuditEntry, AuditFields, AuditHead, RowKind } from '../../contract/audit.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { sha256 } from '../../lib/hash.ts';
import { counter } from '../../lib/instruments.ts';
import { settlesWithin } from '../../lib/limits.ts';
import type { Database } from '../database.ts';
import { jsonLines } from '../json-lines.ts';
import type { ObservationRow } from '../observation-rows.ts';
import { toEntryRow } from './entry-rows.ts';
import { ObservationBatches, type BatchMark } from './observation-batches.ts';
import { encodedRow, subjectOfRow } from './recorded-rows.ts';

/** What the logs of the store tell. */
export interface Trail {
  /** These rows are durable. */
  stored(kind: Exclude<RowKind, 'observation'>, rows: readonly object[]): void;
  /** Calls from before a month are gone. */
  letGo(content: AuditFields): void;
  /** Marks observations that are about to be inserted; `observed` or `notObserved` must follow. */
  observing(): BatchMark;
  observed(mark: BatchMark, rows: readonly ObservationRow[]): void;
  notObserved(mark: BatchMark): void;
  /** Resolves when all that was told of is written, or when it can't be. A batch that is open stays so. */
  flush(): Promise<void>;
}

/** For whoever only reads. */
export const NO_TRAIL: Trail = {
  stored: () => undefined,
  letGo: () => undefined,
  observing: () => ({ segment: '', batch: 0 }),
  observed: () => undefined,
  notObserved: () => undefined,
  flush: () => Promise.resolve(),
};

export interface TrailOptions {
  readonly writer: string;
  readonly segment: string;
  /** The last entry of this writer, and those of all chains. */
  readonly before: AuditHead | null;
  readonly heads: readonly AuditHead[];
  readonly release: string;
}

/** Entries are written together once in so long: an insert costs the same however few they are. */
const EVERY_MS = 1_000;
const RETRY_MS_MAX = 60_000;
const INSERT_ROWS_MAX = 2_000;
/** About 500 bytes each. What would be more is entered late. */
const WAITING_MAX = 50_000;

const BEGINNING: ReadonlySet<string> = new Set(['begin', 'configuration']);

const written = counter({ name: 'plumbline.audit_entries', description: 'Entries of the audit chain, by kind.' });
const putOff = counter({
  name: 'plumbline.audit_entries_put_off',
  description: 'Entries of the audit chain for which there was no room: they are made late, from the rows.',
});

export class AuditTrail implements Trail {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #options: TrailOptions;
  readonly #batches: ObservationBatches;
  /** Drafts that have no place yet, and entries that have one and are perhaps written. */
  #waiting: EntryDraft[] = [];
  #placed: readonly AuditEntry[] = [];
  #sequence = 0;
  #head: AuditHead | null;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #retryMs = EVERY_MS;
  #hasStopped = false;
  /** Why nothing can be written at the moment. */
  problem: unknown = null;
  /** Rows have no entry, and batches none: whoever makes late entries takes these. */
  #hasPutOff = false;
  #doubtful: { readonly batch: number; readonly sinceMs: number }[] = [];

  constructor(database: Database, clock: Clock, options: TrailOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#options = options;
    this.#head = options.before;
    this.#batches = new ObservationBatches(clock);
    const { before, heads, release } = options;
    const content = { plumbline: release, began_at: clock.now(), heads: headsText(heads) };
    this.#add(ownDraft('begin', before === null ? [] : [before.segment, String(before.sequence)], content));
  }

  get segment(): string {
    return this.#options.segment;
  }

  get writer(): string {
    return this.#options.writer;
  }

  /** The last entry of this writer before this start. */
  get before(): AuditHead | null {
    return this.#options.before;
  }

  /** True when there was no chain at all before. */
  get isFirst(): boolean {
    return this.#options.heads.length === 0;
  }

  /** The last entry that is written for certain. */
  get head(): AuditHead | null {
    return this.#head;
  }

  stored(kind: Exclude<RowKind, 'observation'>, rows: readonly object[]): void {
    for (const row of rows) this.#add(rowDraft(kind, row));
  }

  letGo(content: AuditFields): void {
    this.#add(ownDraft('retention', [], content));
  }

  configured(content: AuditFields): void {
    this.#add(ownDraft('configuration', [], content));
  }

  observing(): BatchMark {
    return { segment: this.segment, batch: this.#batches.begin() };
  }

  observed({ batch }: BatchMark, rows: readonly ObservationRow[]): void {
    for (const row of this.#batches.stored(batch, rows)) this.#add(rowDraft('observation', row));
    this.#wake();
  }

  notObserved({ batch }: BatchMark): void {
    this.#batches.failed(batch);
    this.#wake();
  }

  /** What was seen before this process began. */
  remember(rows: readonly ObservationRow[]): void {
    this.#batches.remember(rows);
  }

  enterLate(drafts: readonly EntryDraft[]): void {
    for (const draft of drafts) this.#add(draft);
  }

  /** Batches whose rows have to be read back, once they are so old; and whether rows were left without an entry. */
  takeLeftOut(olderThanMs: number): { readonly batches: readonly number[]; readonly rows: boolean } {
    const nowMs = this.#clock.monotonicMs();
    const isDue = ({ sinceMs }: { readonly sinceMs: number }): boolean => nowMs - sinceMs >= olderThanMs;
    const batches = this.#doubtful.filter(isDue).map(({ batch }) => batch);
    this.#doubtful = this.#doubtful.filter((each) => !isDue(each));
    const rows = this.#hasPutOff;
    this.#hasPutOff = false;
    return { batches, rows };
  }

  /** They could not be read back: once more later. */
  leaveOut(batches: readonly number[], rows: boolean): void {
    const sinceMs = this.#clock.monotonicMs();
    this.#doubtful.push(...batches.map((batch) => ({ batch, sinceMs })));
    this.#hasPutOff ||= rows;
  }

  async flush(): Promise<void> {
    this.#collect();
    await this.#writing;
    await this.#write();
  }

  /** Nothing of this process comes after it. Safe twice. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#hasStopped) return;
    this.#hasStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#collect(true);
    // Of a daemon that did not get so far as to record anything there is nothing to tell.
    if (this.#head?.segment !== this.segment && this.#waiting.every(({ kind }) => BEGINNING.has(kind))) return;
    // It tells that nothing was left out.
    if (!this.#hasPutOff && this.#doubtful.length === 0)
      this.#add(ownDraft('end', [], { ended_at: this.#clock.now() }));
    await settlesWithin(this.flush(), deadlineMs);
  }

  #add(draft: EntryDraft): void {
    if (this.#waiting.length >= WAITING_MAX && draft.content === null) {
      putOff(1);
      if (draft.kind === 'observations') this.leaveOut([Number(draft.subject[1])], false);
      else this.#hasPutOff = true;
      return;
    }
    this.#waiting.push(draft);
    this.#wake();
  }

  #collect(all = false): void {
    const { ended, doubtful } = this.#batches.take(all);
    for (const { number, rows, from, to, digest } of ended)
      this.#add(batchDraft({ segment: this.segment, batch: number }, { rows, from, to, digest }, 'at_once'));
    this.leaveOut(doubtful, false);
  }

  #wake(): void {
    if (this.#timer !== null || this.#hasStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#collect();
      void this.#write();
      if (this.#batches.hasAny) this.#wake();
    }, this.#retryMs);
    this.#timer.unref();
  }

  #write(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#placed.length > 0 || this.#waiting.length > 0) {
      // One that failed may be in the store: the same is written again, and counts once.
      if (this.#placed.length === 0) this.#place();
      try {
        await this.#database.insertJsonLines('audit_entries', jsonLines(this.#placed.map(toEntryRow)));
      } catch (error) {
        this.problem = error;
        this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
        this.#wake();
        return;
      }
      for (const { kind } of this.#placed) written(1, { kind });
      this.#head = this.#placed.at(-1) ?? this.#head;
      this.#placed = [];
      this.#retryMs = EVERY_MS;
      this.problem = null;
    }
  }

  #place(): void {
    const drafts = this.#waiting.splice(0, INSERT_ROWS_MAX);
    const at = this.#clock.now();
    let previousHash = this.#head?.hash ?? null;
    this.#placed = drafts.map((draft) => {
      this.#sequence += 1;
      const { writer, segment } = this.#options;
      const entry = placed(draft, { writer, segment, sequence: this.#sequence, at, previousHash });
      previousHash = entry.hash;
      return entry;
    });
  }
}

function ownDraft(kind: EntryDraft['kind'], subject: readonly string[], content: AuditFields): EntryDraft {
  return { kind, subject, entered: 'at_once', contentHash: hashOfFields(content), content };
}

function rowDraft(kind: RowKind, row: object): EntryDraft {
  const contentHash = sha256(encodedRow(kind, row));
  return { kind, subject: subjectOfRow(kind, row), entered: 'at_once', contentHash, content: null };
}

export interface BatchDigest {
  readonly rows: number;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly digest: AuditEntry['contentHash'];
}

export function batchDraft(
  { segment, batch }: BatchMark,
  { rows, from, to, digest }: BatchDigest,
  entered: AuditEntry['entered'],
): EntryDraft {
  const subject = [segment, String(batch), String(rows), from, to];
  return { kind: 'observations', subject, entered, contentHash: digest, content: null };
}
