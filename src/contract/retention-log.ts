/** How the store lets go of old calls. */

import type { Timestamp } from './time.ts';

export interface MonthOfCalls {
  /** When it begins. */
  readonly from: Timestamp;
}

/** A month of which only the sums of its usage are left. */
export interface DroppedMonth extends MonthOfCalls {
  /** How many it had. */
  readonly calls: number;
}

export interface DropProgress {
  readonly signal?: AbortSignal;
  /** Called before its usage is added up, which may take minutes. */
  readonly onBegin?: (month: MonthOfCalls) => void;
  /** Called when its calls are gone. */
  readonly onDropped?: (month: DroppedMonth) => void;
}

export interface RetentionLog {
  /**
   * Lets go of the calls of the oldest month that has ended by then, and of what only they refer to. A month that has
   * begun stays whole; what comes of one later than this is let go of the next time, and is counted nowhere. One month
   * at a time, to be called for the next: so a clock that is wrong for an hour costs one. May be repeated, and cut off,
   * without harm; rejects when `signal` aborts.
   */
  dropBefore(time: Timestamp, progress?: DropProgress): Promise<void>;
}
