/** Questions about stored calls that the watch of traffic asks: who carried what, and what is not attributed yet. */

import type { AttributionKind } from './attribution.ts';
import type { Timestamp } from './time.ts';

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
  readonly calls: number;
  readonly firstAt: Timestamp;
  readonly lastAt: Timestamp;
  /** Some of these calls, newest first, for a closer look. */
  readonly examples: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface TrafficLog {
  /** All calls that started in the window, grouped; at most `groupsMax`, the busiest first. */
  traffic(from: Timestamp, until: Timestamp, groupsMax: number): Promise<readonly TrafficRow[]>;
  /**
   * Traces with calls since then whose prompt or version is not known, newest first, before a cursor
   * of an earlier answer.
   */
  unattributed(
    since: Timestamp,
    before: Timestamp | null,
    limit: number,
  ): Promise<readonly { readonly traceId: string; readonly startedAt: Timestamp }[]>;
}
