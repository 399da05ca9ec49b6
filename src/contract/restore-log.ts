/** Every restore that was commanded: who, why, when, from what to what, and what came of it. */

import type { ContentHash } from './prompt.ts';
import type { Page, PageOf } from './store.ts';
import type { Timestamp } from './time.ts';

/**
 * `begun`: commanded, and nothing more is known; it stays so when the daemon ended meanwhile.
 * `not_confirmed`: written, and not read back as written. `failed`: refused, or it could not be written.
 */
export const RESTORE_RESULTS = ['begun', 'restored', 'nothing_to_do', 'not_confirmed', 'failed'] as const;
export type RestoreResult = (typeof RESTORE_RESULTS)[number];

export interface RestoreRecord {
  readonly id: string;
  readonly target: string;
  readonly prompt: string;
  readonly environment: string;
  readonly begunAt: Timestamp;
  /** Null while it is `begun`. */
  readonly endedAt: Timestamp | null;
  /** Name of the key that commanded it, or `local`. */
  readonly by: string;
  readonly reason: string;
  /** What the target held; null when it held nothing, or nobody knows. `version` where that content is registered. */
  readonly from: { readonly version: string | null; readonly hash: ContentHash } | null;
  readonly to: { readonly version: string; readonly hash: ContentHash };
  readonly result: RestoreResult;
  /** What was seen afterwards, or why it failed. */
  readonly words: string;
}

export interface RestoreFilter {
  readonly target?: string | undefined;
  readonly prompt?: string | undefined;
  readonly environment?: string | undefined;
}

export interface RestoreLog {
  /** Twice for each restore: before anything is written, and with what came of it. */
  append(record: RestoreRecord): Promise<void>;
  /** Newest first, each with the last that is known of it. */
  list(filter: RestoreFilter, page: Page): Promise<PageOf<RestoreRecord>>;
}
