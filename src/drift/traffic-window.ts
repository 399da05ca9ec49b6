/** What the judge of traffic is given, and how much of it is evidence. */

import type { Attribution } from '../contract/attribution.ts';
import type { ContentHash } from '../contract/prompt.ts';
import type { Timestamp } from '../contract/time.ts';
import type { HiddenEdit } from './hidden-edit.ts';

/** The calls of one instance that carried one distinct content. */
export interface TrafficGroup {
  /** `service.instance.id`, pod or host name. */
  readonly instance: string;
  readonly calls: number;
  readonly firstAt: Timestamp;
  readonly lastAt: Timestamp;
  readonly attribution: Attribution;
  /** The version that the emitter declared, if it did. */
  readonly declaredVersion: string | null;
  /** Of an example call; null when content was not captured. */
  readonly hash: ContentHash | null;
  readonly text: string | null;
}

/** Calls that belong to one prompt (declared or attributed) in one service and environment. */
export interface TrafficWindow {
  readonly service: string;
  readonly from: Timestamp;
  readonly until: Timestamp;
  readonly groups: readonly TrafficGroup[];
  /** What the variables of these calls have in common since lately; none unless told otherwise. */
  readonly hiddenEdits?: readonly HiddenEdit[];
}

export interface TrafficThresholds {
  readonly callsMin: number;
  /** Of the calls whose content could be checked. */
  readonly shareMin: number;
  /** Between the first and the last such call. */
  readonly durationMsMin: number;
  /** After a pin moved, caches may serve the old version for so long. */
  readonly graceMs: number;
  /** Longer than a rolling deployment takes. */
  readonly splitDurationMsMin: number;
}

export const TRAFFIC_THRESHOLDS: TrafficThresholds = {
  callsMin: 5,
  shareMin: 0.02,
  durationMsMin: 60_000,
  graceMs: 5 * 60_000,
  splitDurationMsMin: 15 * 60_000,
};
