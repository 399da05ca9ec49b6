/**
 * Admission: one request becomes rows in the spool, and only then an acknowledgement. What makes the
 * rows may be in another thread; see `drafting/`.
 */

import { describeError, isFault, type Fault } from '../contract/fault.ts';
import type { Acknowledgement, TelemetryRequest } from '../contract/telemetry.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import type { Drafted, RecordCounts } from './drafting/draft.ts';
import type { Pace } from './loading/pace.ts';
import type { RecentRecords } from './loading/recent-records.ts';
import { countDropped, countRefused, countSpans } from './metrics.ts';
import type { Spool } from './spool/spool.ts';
import type { OnTrouble } from './troubles.ts';

/** Rows of a request, or what its sender hears instead. `receivedAt` stands in them. */
export type DraftRequest = (
  request: TelemetryRequest,
  receivedAt: Timestamp,
) => Drafted | Acknowledgement | Promise<Drafted | Acknowledgement>;

export interface IntakeOptions {
  readonly spool: Spool;
  readonly recent: RecentRecords;
  readonly pace: Pace;
  readonly draft: DraftRequest;
  readonly clock: Clock;
  /** Called when the spool refuses, and when it has not for a while. */
  readonly onTrouble: OnTrouble;
}

// A full spool takes a little now and then; senders that were told to come back do within this.
const CALM_MS = 10_000;

export class Intake {
  readonly #options: IntakeOptions;
  /** Since the spool last refused. */
  readonly #calming: NodeJS.Timeout;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#calming = setTimeout(() => options.onTrouble(null), CALM_MS).unref();
  }

  readonly accept = async (request: TelemetryRequest): Promise<Acknowledgement> => {
    const { pace, spool, draft, clock } = this.#options;
    await pace.wait();
    if (spool.fullness !== null) return this.#refuse(spool.fullness);
    const drafting = draft(request, clock.now());
    const drafted = drafting instanceof Promise ? await drafting : drafting;
    if ('outcome' in drafted) return drafted;
    const refusal = await this.#spool(drafted);
    if (refusal !== null) return refusal;
    count(drafted.records);
    return drafted.acknowledgement;
  };

  /** Null when all is durable. */
  async #spool(drafted: Drafted): Promise<Acknowledgement | null> {
    const { sections, facts } = drafted;
    try {
      if (sections.length === 0) return null;
      const end = await this.#options.spool.append(sections);
      drafted.markStored();
      this.#options.recent.add(end, sections, facts);
      return null;
    } catch (error) {
      if (!isFault(error)) throw error;
      return this.#refuse(error);
    } finally {
      drafted.release();
    }
  }

  #refuse(fault: Fault): Acknowledgement {
    const message = describeError(fault);
    countRefused(1, { reason: 'spool' });
    this.#calming.refresh();
    this.#options.onTrouble(`Spans are refused, and senders told to come back. ${message}`);
    return { outcome: 'overloaded', retryAfterMs: fault.retryAfterMs ?? 5_000, message };
  }
}

function count({ signal, kept, accepted, rejected, dropped }: RecordCounts): void {
  countSpans(kept, { signal, outcome: 'kept' });
  countSpans(accepted - kept, { signal, outcome: 'not_about_models' });
  countSpans(rejected, { signal, outcome: 'rejected' });
  countDropped(dropped, { signal });
}
