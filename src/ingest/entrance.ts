/**
 * Where telemetry comes in: requests become durable in the spool, which needs no store. Whoever has one loads and
 * settles what is here; until then it waits on the disk.
 */

import { join } from 'node:path';
import type { AcceptFeedback } from '../contract/feedback.ts';
import type { AcceptTelemetry } from '../contract/telemetry.ts';
import type { Clock } from '../contract/time.ts';
import { ContentSpaces } from './content/content-space.ts';
import type { ContentPolicies } from './content/policy.ts';
import { Drafter } from './drafting/drafter.ts';
import { ThreadedDrafter } from './drafting/drafter-in-thread.ts';
import { telemetryOf } from './feedback.ts';
import { Intake, type DraftRequest } from './intake.ts';
import { DEFAULT_INGEST_LIMITS, type IngestLimits } from './limits.ts';
import { Pace } from './loading/pace.ts';
import { RecentRecords } from './loading/recent-records.ts';
import { countFeedback, observe } from './metrics.ts';
import { Spool } from './spool/spool.ts';
import { Troubles, type OnTrouble } from './troubles.ts';

export interface EntranceOptions {
  readonly clock: Clock;
  /** The spool lives in its folder `spool`. Must not be shared with another process. */
  readonly dataDirectory: string;
  /** Whether that is still the one it was; always, if this is not given. */
  readonly isThere?: () => boolean;
  readonly policies: ContentPolicies;
  /** A bug, or a `Fault`: damage that a person should hear about. */
  readonly onError: (error: unknown) => void;
  /** Called when the spool or the store begins to fail, as seen from the ingest, and when all works again. */
  readonly onTrouble?: OnTrouble;
  readonly limits?: Partial<IngestLimits>;
  /** Whether requests are drafted in a thread of its own; by itself in this one. */
  readonly hasDraftingThread?: boolean;
}

/** What is spooled, for whoever loads it. */
export interface Spooled {
  readonly spool: Spool;
  readonly recent: RecentRecords;
}

const never = (): boolean => false;

export class Entrance {
  readonly limits: IngestLimits;
  /** For all of the ingest: what it makes of texts must be the same on their way in and when they are settled. */
  readonly spaces: ContentSpaces;
  readonly troubles: Troubles;
  readonly #options: EntranceOptions;
  #spooled: Spooled | null = null;
  #intake: Intake | null = null;
  #thread: ThreadedDrafter | null = null;
  #isBehind: () => boolean = never;
  #leftBytes = 0;

  constructor(options: EntranceOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_INGEST_LIMITS, ...options.limits };
    this.spaces = new ContentSpaces(options.policies, this.limits.texts);
    this.troubles = new Troubles(options.onTrouble ?? (() => {}));
  }

  /** Give it to the receivers. Unless it is open it tells senders to come back. */
  readonly accept: AcceptTelemetry = async (request) => {
    if (this.#intake === null) {
      const { retryAfterMs } = this.limits;
      return { outcome: 'overloaded', retryAfterMs, message: 'The daemon is starting or stopping.' };
    }
    return this.#intake.accept(request);
  };

  /** Judgements that come without telemetry: they go the same way. */
  readonly acceptFeedback: AcceptFeedback = async (feedback) => {
    const acknowledgement = await this.accept(telemetryOf(feedback, this.#options.clock.now()));
    countFeedback(feedback.length, { outcome: acknowledgement.outcome });
    return acknowledgement;
  };

  /** Accepted and not settled in the store; once closed, what the next start goes on with. */
  get waitingBytes(): number {
    return this.#spooled?.spool.usedBytes ?? this.#leftBytes;
  }

  /** From now on requests are taken. Safe twice: whoever needs it open says so. */
  async open(): Promise<Spooled> {
    if (this.#spooled !== null) return this.#spooled;
    const { clock, dataDirectory, isThere } = this.#options;
    const { limits, troubles } = this;
    const spool = await Spool.open({
      directory: join(dataDirectory, 'spool'),
      isThere,
      bytesMax: limits.spoolBytesMax,
      segmentBytesMax: limits.spoolSegmentBytesMax,
      keepFreeBytes: limits.spoolKeepFreeBytes,
      retryAfterMs: limits.retryAfterMs,
    });
    const recent = new RecentRecords(limits.recentBytesMax, limits.batchBytesMax, clock);
    const pace = new Pace(() => this.#isBehind(), limits.pacedMsMax);
    const draft = await this.#drafting();
    this.#intake = new Intake({ spool, recent, pace, draft, clock, onTrouble: troubles.of('spool') });
    this.#spooled = { spool, recent };
    observe('spool_bytes', 'Bytes in the spool.', 'By', () => spool.usedBytes);
    return this.#spooled;
  }

  /** While this is true, senders wait for whoever loads; see `Pace`. Without it, nobody does. */
  pacedWhile(isBehind: () => boolean = never): void {
    this.#isBehind = isBehind;
  }

  /** When nobody loads from it any more. Safe without `open`, and safe twice. */
  async close(): Promise<void> {
    this.#intake = null;
    const spooled = this.#spooled;
    if (spooled === null) return;
    await spooled.spool.close();
    this.#leftBytes = spooled.spool.usedBytes;
    this.#spooled = null;
    await this.#thread?.stop();
    this.#thread = null;
  }

  /** While memory is short, nothing is kept that need not be. */
  memoryIsShort(isShort: boolean): void {
    this.#thread?.memoryIsShort(isShort);
  }

  async #drafting(): Promise<DraftRequest> {
    const { policies, onError, hasDraftingThread } = this.#options;
    const { limits, spaces } = this;
    if (hasDraftingThread !== true) {
      const drafter = new Drafter({ spaces, limits: limits.decode, onError });
      return (request, receivedAt) => drafter.draft(request, receivedAt);
    }
    this.#thread = new ThreadedDrafter({ policies, limits, received: spaces.received, onError });
    await this.#thread.start();
    return this.#thread.draft;
  }
}
