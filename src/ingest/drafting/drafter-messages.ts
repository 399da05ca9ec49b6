/** What the thread that drafts requests and the daemon's own thread say to each other. */

import type { ContentHash } from '../../contract/prompt.ts';
import type { Acknowledgement, TelemetryRequest } from '../../contract/telemetry.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Counted } from '../../lib/instruments.ts';
import type { DecodeLimits } from '../../otlp/limits.ts';
import type { ContentPolicies } from '../content/policy.ts';
import type { TextLimits } from '../content/texts.ts';
import type { RecordCounts } from './draft.ts';

/** Given to the thread at its start. */
export interface DrafterThreadData {
  readonly policies: ContentPolicies;
  readonly texts: TextLimits;
  readonly limits: DecodeLimits;
  readonly isMemoryShort: boolean;
}

export type ToDrafterThread =
  /** The body is the first `length` bytes of `memory`, which comes back with the answer. */
  | {
      readonly kind: 'draft';
      readonly id: number;
      readonly signal: TelemetryRequest['signal'];
      readonly encoding: TelemetryRequest['encoding'];
      readonly memory: ArrayBuffer;
      readonly length: number;
      readonly receivedAt: Timestamp;
    }
  /** Nobody needs its rows any more, and their memory is the thread's again. */
  | { readonly kind: 'over'; readonly id: number; readonly isStored: boolean; readonly rows: ArrayBuffer }
  /** Whether memory is short. */
  | { readonly kind: 'short'; readonly isShort: boolean };

/** Rows of one request. All of its sections stand one behind the other in `rows`. */
export interface ThreadDraft {
  readonly rows: ArrayBuffer;
  readonly sections: readonly { readonly lane: number; readonly length: number }[];
  /** JSON of `FactHeadRow`s: far cheaper to hand over than so many objects. */
  readonly heads: string;
  /** Texts that its facts refer to, and that are in none of the sections as they may not reach a disk. */
  readonly unstorable: readonly (readonly [hash: ContentHash, text: string])[];
}

/** Of one fact; the last two say where in its section its line is. */
export type FactHeadRow = readonly [
  traceId: string,
  spanId: string,
  recordId: string,
  startedAt: Timestamp,
  relatedSince: Timestamp | 0,
  keys: readonly string[],
  start: number,
  end: number,
];

export type FromDrafterThread =
  | { readonly kind: 'ready' }
  /** `memory`: the body's. Without a draft nothing of it is kept. */
  | {
      readonly kind: 'drafted';
      readonly id: number;
      readonly memory: ArrayBuffer;
      readonly acknowledgement: Acknowledgement;
      readonly records: RecordCounts | null;
      readonly draft: ThreadDraft | null;
      readonly counted: readonly Counted[];
    }
  /** A bug of ours, which was not told to anybody yet. */
  | { readonly kind: 'threw'; readonly id: number; readonly memory: ArrayBuffer; readonly stack: string }
  | { readonly kind: 'failed'; readonly stack: string };
