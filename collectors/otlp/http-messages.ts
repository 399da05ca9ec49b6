/** What the thread that receives OTLP over HTTP and the daemon's own thread say to each other. */

import type { Acknowledgement, AuthorizeIngest, TelemetryRequest } from '../../src/contract/telemetry.ts';
import type { Counted } from '../../src/lib/instruments.ts';
import type { OtlpLimits } from './limits.ts';

/** Given to the thread at its start. */
export interface HttpThreadOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: OtlpLimits;
  /** See `InFlight`; this thread has the second place. */
  readonly inFlight: Int32Array<SharedArrayBuffer>;
}

export const HTTP_THREAD_PLACE = 1;

export type FromHttpThread =
  | { readonly kind: 'listening'; readonly port: number }
  /** It can't listen; a `Fault`'s parts. */
  | { readonly kind: 'refused'; readonly message: string; readonly hint: string | undefined }
  /** The body is the first `length` bytes of `memory`, which is the other thread's until this request is answered. */
  | {
      readonly kind: 'request';
      readonly id: number;
      readonly signal: TelemetryRequest['signal'];
      readonly encoding: TelemetryRequest['encoding'];
      readonly memory: ArrayBuffer;
      readonly length: number;
    }
  | { readonly kind: 'authorize'; readonly id: number; readonly authorization: string | undefined }
  | { readonly kind: 'counted'; readonly sums: readonly Counted[] }
  /** A bug of ours. */
  | { readonly kind: 'failed'; readonly stack: string }
  | { readonly kind: 'stopped' };

export type ToHttpThread =
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly memory: ArrayBuffer;
      readonly acknowledgement: Acknowledgement;
    }
  /** Handling the request threw: a bug of ours, which was not told to anybody yet. */
  | { readonly kind: 'threw'; readonly id: number; readonly memory: ArrayBuffer; readonly stack: string }
  | { readonly kind: 'authorized'; readonly id: number; readonly decision: ReturnType<AuthorizeIngest> }
  | { readonly kind: 'stop'; readonly deadlineMs: number };
