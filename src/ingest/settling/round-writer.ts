/** Writes the rows of one round while the next is settled, and never those of two at once. */

import type { Clock } from '../../contract/time.ts';
import { shortId } from '../../lib/hash.ts';
import { stackOf } from '../../contract/fault.ts';
import type { PatientWriter } from '../loading/patient-writer.ts';
import { countQuarantined, countSettled } from '../metrics.ts';
import { quarantineLine } from '../quarantine.ts';
import type { SpoolPosition } from '../spool/position.ts';
import type { Settlement, SettlementRows } from './settlement.ts';
import type { TraceState } from './trace-state.ts';
import type { TraceWindow } from './trace-window.ts';

/** Traces, with the place in the spool from where each was unsettled. */
export type Round = Map<TraceState, SpoolPosition>;

/** What a round comes to. */
export interface SettledRound {
  readonly traces: Round;
  readonly settlement: Settlement;
  readonly rows: SettlementRows;
  /** Lines of `quarantine`, of what could not be settled. */
  readonly failed: string;
}

export class RoundWriter {
  readonly #writer: PatientWriter;
  readonly #window: TraceWindow;
  #traces: Round = new Map();
  #written: Promise<void> = Promise.resolve();

  constructor(writer: PatientWriter, window: TraceWindow) {
    this.#writer = writer;
    this.#window = window;
  }

  /** Of the round that is being written; none when none is. */
  get traces(): Round {
    return this.#traces;
  }

  /** When there is none; never rejects. */
  get idle(): Promise<void> {
    return this.#written;
  }

  /**
   * To be called when there is none. `onOver` is called whatever comes of it, before `onFailure`, which has the traces
   * settled again.
   */
  begin(
    round: SettledRound,
    signal: AbortSignal,
    onOver: () => void,
    onFailure: (traces: Round, error: unknown) => Promise<void>,
  ): void {
    this.#traces = round.traces;
    this.#written = this.#write(round, signal)
      .finally(() => {
        round.settlement.release();
        onOver();
      })
      .catch((error: unknown) => onFailure(round.traces, error));
  }

  async #write({ traces, settlement, rows, failed }: SettledRound, signal: AbortSignal): Promise<void> {
    const writer = this.#writer;
    await writer.write('quarantine', Buffer.from(failed), signal);
    // Before the rows that refer to it; there is seldom any.
    await writer.write('call_texts', rows.outbox.textLines.bytes, signal);
    await writer.write('call_variables', rows.outbox.variableLines.bytes, signal);
    await writer.write('invocations', rows.lines, signal);
    settlement.markWritten();
    // One that was sealed meanwhile may have got more before: that is settled first.
    for (const trace of traces.keys()) if (trace.isSealed && trace.dirtyFacts === 0) this.#window.forget(trace);
    traces.clear();
    countSettled(rows.counts.created, { what: 'new' });
    countSettled(rows.counts.changed, { what: 'changed' });
    countSettled(rows.counts.deleted, { what: 'taken_back' });
  }
}

/** Traces that could not be settled, as a line of `quarantine`. */
export function quarantinedTraces(group: readonly TraceState[], error: unknown, clock: Clock): string {
  countQuarantined(1, { kind: 'trace' });
  const traceIds = group.map((trace) => trace.key);
  return quarantineLine({
    id: shortId(...traceIds),
    at: clock.now(),
    kind: 'trace',
    lane: '',
    reason: stackOf(error),
    payload: JSON.stringify(traceIds),
    status: 'waiting',
  });
}
