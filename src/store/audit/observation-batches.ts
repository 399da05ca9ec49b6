/**
 * Observations by the batch. Most say that nothing has changed, so that an entry for each would be most of the store:
 * what was seen in a minute has one, with a digest of all its rows, and what says something new one of its own beside
 * that. Knows nothing of the chain; keeps 32 bytes of each row until its batch ends.
 */

import { hash } from 'node:crypto';
import { bytesOfHash, digestOfHashes } from '../../audit/encoding.ts';
import type { AuditHash } from '../../contract/audit.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import type { ObservationRow } from '../observation-rows.ts';
import { encodedRow } from './recorded-rows.ts';

/** A batch ends after a minute: 1,440 entries a day, however many targets there are. */
const BATCH_MS = 60_000;
const BATCH_ROWS_MAX = 20_000;
/** Of places and their parts, what each said last; about 100 bytes each. */
const PLACES_MAX = 200_000;
/**
 * Entries of their own: as many places may change at once, as at a first start, and then so many in a minute. More
 * are covered by the digest of their batch alone.
 */
const CHANGES_MAX = 20_000;
const CHANGES_PER_MINUTE = 100;

/** What rows are marked with. The empty segment: there is no chain. */
export interface BatchMark {
  readonly segment: string;
  readonly batch: number;
}

export interface EndedBatch {
  readonly number: number;
  readonly rows: number;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly digest: AuditHash;
}

interface Batch {
  readonly number: number;
  readonly openedMs: number;
  readonly hashes: Set<string>;
  from: Timestamp | null;
  to: Timestamp | null;
  inFlight: number;
  /** An insert failed, of which nobody knows whether its rows are in the store. */
  isDoubtful: boolean;
}

export class ObservationBatches {
  readonly #clock: Clock;
  readonly #said = new Map<string, string>();
  readonly #ending: Batch[] = [];
  #number = 0;
  #open: Batch | null = null;
  #changesLeft = CHANGES_MAX;
  #refilledMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refilledMs = clock.monotonicMs();
  }

  /** The batch that rows are to be inserted with. `stored` or `failed` must follow. */
  begin(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#endIfDue(nowMs);
    this.#open ??= {
      number: ++this.#number,
      openedMs: nowMs,
      hashes: new Set(),
      from: null,
      to: null,
      inFlight: 0,
      isDoubtful: false,
    };
    this.#open.inFlight += 1;
    return this.#open.number;
  }

  /** Returns those that say something else than their place said before. */
  stored(number: number, rows: readonly ObservationRow[]): readonly ObservationRow[] {
    const batch = this.#of(number);
    if (batch === undefined) return [];
    batch.inFlight -= 1;
    for (const row of rows) {
      const { observed_at: at } = row;
      batch.hashes.add(bytesOfHash(encodedRow('observation', row)));
      if (batch.from === null || at < batch.from) batch.from = at;
      if (batch.to === null || at > batch.to) batch.to = at;
    }
    return rows.filter((row) => this.#isNews(row) && this.#mayHaveEntry());
  }

  failed(number: number): void {
    const batch = this.#of(number);
    if (batch === undefined) return;
    batch.inFlight -= 1;
    batch.isDoubtful = true;
  }

  /** What was seen before this process, so that to see it again is no news. */
  remember(rows: readonly ObservationRow[]): void {
    for (const row of rows) this.#isNews(row);
  }

  /** Those that have ended; with `all`, also the one that would take more. */
  take(all = false): { readonly ended: readonly EndedBatch[]; readonly doubtful: readonly number[] } {
    this.#endIfDue(this.#clock.monotonicMs(), all);
    const settled = this.#ending.filter(({ inFlight }) => inFlight === 0);
    for (const batch of settled) this.#ending.splice(this.#ending.indexOf(batch), 1);
    const doubtful = settled.filter(({ isDoubtful }) => isDoubtful).map(({ number }) => number);
    const ended = settled.flatMap(({ isDoubtful, number, hashes, from, to }) =>
      isDoubtful || from === null || to === null
        ? []
        : [{ number, rows: hashes.size, from, to, digest: digestOfHashes(hashes) }],
    );
    return { ended, doubtful };
  }

  /** There is something to take, now or later. */
  get hasAny(): boolean {
    return this.#open !== null || this.#ending.length > 0;
  }

  #of(number: number): Batch | undefined {
    return this.#open?.number === number ? this.#open : this.#ending.find((batch) => batch.number === number);
  }

  #endIfDue(nowMs: number, all = false): void {
    const open = this.#open;
    if (open === null) return;
    if (!all && nowMs - open.openedMs < BATCH_MS && open.hashes.size < BATCH_ROWS_MAX) return;
    this.#ending.push(open);
    this.#open = null;
  }

  #isNews(row: ObservationRow): boolean {
    if (row.outcome === 'unreachable') return false;
    const { target, part, outcome, strict_hash: content, settings, pointer_name, pointer_value } = row;
    const place = JSON.stringify([target, part]);
    const said = JSON.stringify([
      outcome,
      content,
      settings,
      pointer_name,
      pointer_value,
      row.source_version,
      row.share,
    ]);
    const fact = hash('sha256', said, 'base64').slice(0, 16);
    const before = this.#said.get(place);
    if (before === fact) return false;
    if (before === undefined && this.#said.size >= PLACES_MAX) this.#said.clear();
    this.#said.set(place, fact);
    return true;
  }

  #mayHaveEntry(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const refill = Math.floor(((nowMs - this.#refilledMs) / 60_000) * CHANGES_PER_MINUTE);
    if (refill > 0) {
      this.#changesLeft = Math.min(CHANGES_MAX, this.#changesLeft + refill);
      this.#refilledMs = nowMs;
    }
    if (this.#changesLeft === 0) return false;
    this.#changesLeft -= 1;
    return true;
  }
}
