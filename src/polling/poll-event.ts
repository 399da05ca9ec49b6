/** What the host tells the log and the metrics about its polls, and what it shows about a source. */

import type { Timestamp } from '../contract/time.ts';

export interface PollCounts {
  readonly held: number;
  readonly unchanged: number;
  readonly missing: number;
  readonly unreachable: number;
}

export type PollEvent =
  | ({
      readonly kind: 'polled';
      readonly durationMs: number;
      readonly reason: string | null;
      /** All targets of the source were asked, and answered. */
      readonly heardOfAll: boolean;
      /** What was observed is handed on. */
      readonly recorded: boolean;
    } & Named &
      PollCounts)
  /** `busy`: the last poll still runs. `paused`: backing off. `stuck`: the plugin ignored its signal and never ended. */
  | ({ readonly kind: 'skipped'; readonly why: 'busy' | 'paused' | 'stuck' } & Named)
  /** A plugin did what its contract forbids. */
  | ({ readonly kind: 'bug'; readonly error: unknown } & Named)
  | ({ readonly kind: 'watch_failed'; readonly error: unknown } & Named)
  /** It has not failed for a while. */
  | ({ readonly kind: 'watch_holds' } & Named)
  /** Observations could not be handed on; the next poll reads everything again. */
  | ({ readonly kind: 'not_recorded'; readonly error: unknown } & Named);

interface Named {
  readonly source: string;
  readonly type: string;
}

export interface SourceStatus {
  readonly name: string;
  readonly type: string;
  readonly environment: string;
  readonly everyMs: number;
  readonly targets: number;
  readonly lastPollAt: Timestamp | null;
  /** When at least one target was last answered for. */
  readonly lastAnswerAt: Timestamp | null;
  readonly failuresInARow: number;
  /** Why the last poll failed, for a person; null when it did not. */
  readonly lastReason: string | null;
  /** Scheduled polls are skipped for this much longer. */
  readonly pausedForMs: number;
  readonly lastCounts: PollCounts;
}
