/**
 * What could not be read, stored or settled is put aside with what it takes to try again, and
 * never blocks what comes behind it. Here: its rows, and trying again.
 */

import { Fault } from '../contract/fault.ts';
import type { QuarantineEntry, TelemetryLane, TelemetryLog } from '../contract/telemetry-log.ts';
import type { Clock } from '../contract/time.ts';
import type { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import { nanosFromTimestamp, timestampFromNanos } from '../lib/time.ts';

/** A line of the table `quarantine`. Its revision is its time: a later word replaces an earlier one. */
export function quarantineLine(entry: QuarantineEntry): string {
  return `${JSON.stringify({ ...entry, revision: nanosFromTimestamp(entry.at).toString() })}\n`;
}

// Inside of a string its quotes would be escaped.
const INGESTED_AT = /"ingested_at":"[^"]*"/;

export interface QuarantineOptions {
  readonly log: TelemetryLog;
  readonly clock: Clock;
  readonly horizon: KnowledgeHorizon;
  /** Settles a trace again from what is stored of it. */
  readonly resettle: (traceIds: readonly string[]) => void;
}

export class Quarantine {
  readonly #options: QuarantineOptions;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  list(status: QuarantineEntry['status'] | 'any', limit: number): Promise<readonly QuarantineEntry[]> {
    return this.#options.log.quarantined(status, limit);
  }

  show(id: string): Promise<QuarantineEntry | null> {
    return this.#options.log.quarantineEntry(id);
  }

  /**
   * Tries again what may go better now: a row after the store was mended, a trace after an upgrade.
   * A span that no reader understood is kept for the bug report; its sender can send it again.
   * Throws a `Fault` when it fails again, and leaves the entry waiting.
   */
  async replay(id: string): Promise<void> {
    const { log, resettle } = this.#options;
    const entry = await log.quarantineEntry(id);
    if (entry === null) throw new Fault('permanent', `There is no quarantined entry ${id}.`);
    if (entry.kind === 'row' && entry.lane !== '') {
      await this.#insert(entry.lane, entry.payload);
      if (entry.lane === 'span_facts') resettle([(JSON.parse(entry.payload) as { trace_id: string }).trace_id]);
    } else if (entry.kind === 'trace') {
      resettle(JSON.parse(entry.payload) as string[]);
    } else {
      throw new Fault('permanent', `Entry ${id} is a span that could not be read; it can't be replayed.`, {
        hint: 'Report the reason it shows, and discard it.',
      });
    }
    await this.#close(entry, 'replayed');
  }

  /** A call is known since it is in the store, not since it was refused. */
  async #insert(lane: TelemetryLane, payload: string): Promise<void> {
    const { log, horizon } = this.#options;
    const learning = horizon.begin();
    try {
      const line = lane !== 'invocations' ? payload : payload.replace(INGESTED_AT, `"ingested_at":"${learning.at}"`);
      await log.insertLines(lane, Buffer.from(`${line}\n`));
    } finally {
      learning.end();
    }
  }

  async discard(id: string): Promise<void> {
    const entry = await this.#options.log.quarantineEntry(id);
    if (entry === null) throw new Fault('permanent', `There is no quarantined entry ${id}.`);
    await this.#close(entry, 'discarded');
  }

  async #close(entry: QuarantineEntry, status: QuarantineEntry['status']): Promise<void> {
    const now = this.#options.clock.now();
    // The clock may have been set back since; and what is said of it last must stand.
    const at = now > entry.at ? now : timestampFromNanos(nanosFromTimestamp(entry.at) + 1n);
    const line = Buffer.from(quarantineLine({ ...entry, at, status }));
    await this.#options.log.insertLines('quarantine', line);
  }
}
