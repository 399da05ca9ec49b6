/**
 * Brings rows into the store however long it takes: waits while the store is gone or busy, and
 * when it refuses rows for good, finds the bad ones, puts them aside and goes on with the rest.
 */

import { describeError, isFault } from '../../contract/fault.ts';
import type { TelemetryLane, TelemetryLog } from '../../contract/telemetry-log.ts';
import type { Clock } from '../../contract/time.ts';
import { shortId } from '../../lib/hash.ts';
import { sleep } from '../../lib/limits.ts';
import { formatDuration } from '../../lib/time.ts';
import { countInserted, countQuarantined, countRetries } from '../metrics.ts';
import { quarantineLine } from '../quarantine.ts';
import type { OnTrouble } from '../troubles.ts';

export interface PatientWriterOptions {
  readonly log: TelemetryLog;
  readonly clock: Clock;
  /** Called when the store begins and when it ceases to fail; never for each attempt. */
  readonly onTrouble: OnTrouble;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** An insert that takes longer is trouble as well. */
  readonly stalledMs: number;
}

// So many bad rows in one batch mean that the store is wrong (a table is missing), not the rows.
const POISON_ROWS_MAX = 100;
const NEWLINE = 10;

export class PatientWriter {
  readonly #options: PatientWriterOptions;
  #isTroubled = false;

  constructor(options: PatientWriterOptions) {
    this.#options = options;
  }

  /** True from a failed attempt until one succeeds. */
  get isTroubled(): boolean {
    return this.#isTroubled;
  }

  /** Resolves when every line is in the store or in quarantine. Rejects only when `signal` aborts. */
  async write(lane: TelemetryLane, lines: Buffer, signal: AbortSignal): Promise<void> {
    if (lines.length === 0) return;
    const { backoffMs, backoffMaxMs } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        await this.#attempt(lane, lines);
        this.#recovered();
        return;
      } catch (error) {
        countRetries(1, { lane });
        this.#troubled(`${lane} can't be written. ${describeError(error)}`);
        const jitter = 0.75 + Math.random() * 0.5;
        const waitMs = Math.min(backoffMs * 2 ** attempt, backoffMaxMs) * jitter;
        await sleep(Math.max(waitMs, isFault(error) ? (error.retryAfterMs ?? 0) : 0), signal);
      }
    }
  }

  async #attempt(lane: TelemetryLane, lines: Buffer): Promise<void> {
    try {
      await this.#insert(lane, lines);
      countInserted(lines.length, { lane });
    } catch (error) {
      if (!isFault(error) || error.kind !== 'permanent' || lane === 'quarantine') throw error;
      await this.#isolate(lane, splitLines(lines), error, { left: POISON_ROWS_MAX });
    }
  }

  /** Says so when the store does not answer. */
  async #insert(lane: TelemetryLane, lines: Buffer): Promise<void> {
    const { log, stalledMs } = this.#options;
    const stalled = setTimeout(() => {
      this.#troubled(`the store has not answered an insert into ${lane} for ${formatDuration(stalledMs)}.`);
    }, stalledMs);
    try {
      await log.insertLines(lane, lines);
    } finally {
      clearTimeout(stalled);
    }
  }

  /** Halves what was refused until the bad rows stand alone. The good ones are in afterwards. */
  async #isolate(
    lane: TelemetryLane,
    rows: readonly Buffer[],
    refusal: unknown,
    budget: { left: number },
  ): Promise<void> {
    if (rows.length === 1) {
      budget.left -= 1;
      if (budget.left < 0) throw refusal;
      await this.#quarantine(lane, rows[0] as Buffer, refusal);
      return;
    }
    const middle = Math.ceil(rows.length / 2);
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      try {
        await this.#insert(lane, Buffer.concat(half));
      } catch (error) {
        if (!isFault(error) || error.kind !== 'permanent') throw error;
        await this.#isolate(lane, half, error, budget);
      }
    }
  }

  async #quarantine(lane: TelemetryLane, row: Buffer, refusal: unknown): Promise<void> {
    const payload = row.toString('utf8').trimEnd();
    const at = this.#options.clock.now();
    const reason = describeError(refusal);
    const entry = { id: shortId(lane, payload), at, kind: 'row', lane, reason, payload, status: 'waiting' } as const;
    await this.#insert('quarantine', Buffer.from(quarantineLine(entry)));
    countQuarantined(1, { kind: 'row' });
  }

  #troubled(what: string): void {
    if (this.#isTroubled) return;
    this.#isTroubled = true;
    this.#options.onTrouble(`Telemetry waits on disk: ${what}`);
  }

  #recovered(): void {
    if (!this.#isTroubled) return;
    this.#isTroubled = false;
    this.#options.onTrouble(null);
  }
}

function splitLines(lines: Buffer): Buffer[] {
  const rows: Buffer[] = [];
  for (let start = 0; start < lines.length;) {
    const newline = lines.indexOf(NEWLINE, start);
    const end = newline === -1 ? lines.length : newline + 1;
    rows.push(lines.subarray(start, end));
    start = end;
  }
  return rows;
}
