/** What a poll (or a push) established about a target at one moment. Appended, never changed. */

import type { ContentHashes, PromptBody, PromptSettings } from './prompt.ts';
import type { Timestamp } from './time.ts';

interface ObservationBase {
  /** `SOURCE/prompt`. */
  readonly target: string;
  readonly source: string;
  readonly sourceType: string;
  readonly prompt: string;
  readonly environment: string;
  /** When the answer was received. */
  readonly observedAt: Timestamp;
  /** When the look began: what it saw was there at some moment since, up to the answer. Absent: not known, of old looks. */
  readonly askedAt?: Timestamp;
  /** Empty unless the target holds several contents. */
  readonly part: string;
}

export interface HeldObservation extends ObservationBase {
  readonly outcome: 'held';
  readonly body: PromptBody;
  readonly hashes: ContentHashes;
  /** With snippets resolved, where that differs: a body that stayed while this changed has an edited snippet. */
  readonly resolved?: { readonly body: PromptBody; readonly hashes: ContentHashes };
  readonly settings: PromptSettings;
  readonly pointer: { readonly name: string; readonly value: string } | null;
  readonly sourceVersion: string | null;
  readonly editedAt: Timestamp | null;
  readonly editedBy: string | null;
  readonly share: number | null;
  readonly url: string | null;
}

export interface MissingObservation extends ObservationBase {
  readonly outcome: 'missing';
  readonly reason: string;
  /** True when only this part ended (a branch, a split, a node) and the target still holds others: nothing to judge. */
  readonly partEnded?: boolean;
}

export interface UnreachableObservation extends ObservationBase {
  readonly outcome: 'unreachable';
  readonly reason: string;
}

/** Since when something else may have been there: the answer is of some moment after that. */
export function seenSince({ askedAt, observedAt }: Pick<ObservationBase, 'askedAt' | 'observedAt'>): Timestamp {
  return askedAt ?? observedAt;
}

export type Observation = HeldObservation | MissingObservation | UnreachableObservation;
