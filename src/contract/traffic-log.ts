/** Questions about stored calls that the watch of traffic asks: who carried what, and what is not attributed yet. */

import type { AttributionKind } from './attribution.ts';
import type { Timestamp } from './time.ts';

/** Versions of this name stand for a text that was seen live and that nobody registered. */
export const UNREGISTERED_PREFIX = 'unregistered:';
/** Behind it comes the beginning of the text's hash. */
export const UNREGISTERED_DIGITS = 12;

/** The calls of one instance that were attributed in one way. */
export interface TrafficRow {
  readonly environment: string;
  readonly service: string;
  readonly instance: string;
  readonly kind: AttributionKind;
  /** Empty: none. */
  readonly prompt: string;
  readonly version: string;
  readonly declaredPrompt: string;
  readonly declaredVersion: string;
  /** False: the calls came without any text to check. */
  readonly hasContent: boolean;
  readonly calls: number;
  readonly firstAt: Timestamp;
  readonly lastAt: Timestamp;
  /** Some of these calls for a closer look, picked evenly: a later window picks the same ones, as far as it has them. */
  readonly examples: readonly TrafficExample[];
}

export interface TrafficExample {
  readonly traceId: string;
  readonly spanId: string;
  readonly startedAt: Timestamp;
}

/** When something that traffic depends on was last seen to change; null: not that anybody saw. */
export interface LastChanges {
  readonly prompt: string;
  readonly environment: string;
  /** A watched target of the prompt held something new, or nothing. */
  readonly held: Timestamp | null;
  /** The pin was first seen to name another version than before. */
  readonly pinned: Timestamp | null;
}

/** The calls of one service that belong to one prompt. */
export interface TrafficPlace {
  readonly environment: string;
  readonly service: string;
  readonly prompt: string;
  /** Calls of the service whose text was found to be of no version count too: it may be an edit of one. */
  readonly mayBeOfNone: boolean;
}

/** Where a list went up to. */
export interface TraceCursor {
  readonly traceId: string;
  readonly startedAt: Timestamp;
}

export interface TrafficLog {
  /** All calls that started in the window, grouped; at most `groupsMax`, the busiest first. */
  traffic(from: Timestamp, until: Timestamp, groupsMax: number): Promise<readonly TrafficRow[]>;
  /** The hour of the newest call of all that started in the window; null: there was none. */
  newestCall(from: Timestamp, until: Timestamp): Promise<Timestamp | null>;
  /** When each was last called within the window; null: it was not. A call counts as what it was first taken for, too. */
  lastCalls(places: readonly TrafficPlace[], from: Timestamp, until: Timestamp): Promise<readonly (Timestamp | null)[]>;
  /** Of these prompts in all environments; what changed before `since` is left out. */
  lastChanges(prompts: readonly string[], since: Timestamp): Promise<readonly LastChanges[]>;
  /**
   * Traces with calls in [from, until] that a newly registered version may turn out to be the origin
   * of, newest first, after the cursor.
   */
  unattributed(
    from: Timestamp,
    until: Timestamp,
    after: TraceCursor | null,
    limit: number,
  ): Promise<readonly TraceCursor[]>;
}
