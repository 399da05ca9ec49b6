/** From what the ingest said to what a transport answers. Pure: one decision for HTTP and gRPC. */

import type { Acknowledgement } from '../../src/contract/telemetry.ts';
import { RPC_CODES, type RpcCode } from '../../src/otlp/responses.ts';
import type { OtlpLimits } from './limits.ts';
import type { RequestOutcome } from './metrics.ts';

/** A refusal, for both transports. Only with `retryAfterMs` may the sender try again. */
export interface Refusal {
  readonly outcome: Exclude<RequestOutcome, 'accepted' | 'partly_rejected' | 'metrics_dropped' | 'aborted'>;
  readonly httpStatus: number;
  readonly rpcCode: RpcCode;
  readonly message: string;
  readonly retryAfterMs?: number;
}

export type Answer =
  | { readonly kind: 'success'; readonly rejected: number; readonly message: string }
  | { readonly kind: 'refusal'; readonly refusal: Refusal };

export function answerOf(acknowledgement: Acknowledgement): Answer {
  const { outcome, message } = acknowledgement;
  if (outcome === 'durable') return { kind: 'success', rejected: acknowledgement.rejected, message };
  if (outcome === 'overloaded') return { kind: 'refusal', refusal: overloaded(message, acknowledgement.retryAfterMs) };
  const refusal = acknowledgement.reason === 'too_large' ? tooLarge(message) : malformed(message);
  return { kind: 'refusal', refusal };
}

export function malformed(message: string): Refusal {
  return { outcome: 'undecodable', httpStatus: 400, rpcCode: RPC_CODES.invalidArgument, message };
}

/** RESOURCE_EXHAUSTED without RetryInfo is final in OTLP, as 413 is. */
function tooLarge(message: string): Refusal {
  return { outcome: 'too_large', httpStatus: 413, rpcCode: RPC_CODES.resourceExhausted, message };
}

export function overloaded(message: string, retryAfterMs: number): Refusal {
  return { outcome: 'overloaded', httpStatus: 503, rpcCode: RPC_CODES.unavailable, message, retryAfterMs };
}

export function bodyTooLarge(limits: OtlpLimits): Refusal {
  return tooLarge(`The body is longer than ${limits.bodyBytesMax} bytes after decompression; send smaller batches.`);
}

export function noRoom(limits: OtlpLimits): Refusal {
  return overloaded('Too many bytes are in flight.', limits.retryAfterMs);
}

export function stopping(limits: OtlpLimits): Refusal {
  return overloaded('The daemon is stopping.', limits.retryAfterMs);
}

export function bodyTimedOut(): Refusal {
  const message = 'The body did not arrive in time.';
  return { outcome: 'undecodable', httpStatus: 408, rpcCode: RPC_CODES.invalidArgument, message };
}

export function unauthorized(decision: 'unauthenticated' | 'forbidden'): Refusal {
  return decision === 'unauthenticated'
    ? {
        outcome: 'unauthorized',
        httpStatus: 401,
        rpcCode: RPC_CODES.unauthenticated,
        message: 'Send a key with the scope `ingest` as `Authorization: Bearer KEY`.',
      }
    : {
        outcome: 'unauthorized',
        httpStatus: 403,
        rpcCode: RPC_CODES.permissionDenied,
        message: 'This key does not have the scope `ingest`.',
      };
}

export function fromPage(): Refusal {
  return {
    outcome: 'unauthorized',
    httpStatus: 403,
    rpcCode: RPC_CODES.permissionDenied,
    message: 'A web page sent this. Pages need a key with the scope `ingest`, as `Authorization: Bearer KEY`.',
  };
}

/** A bug of ours. Retryable, because a 500 would make the sender throw its data away. */
export function failed(retryAfterMs: number): Refusal {
  return {
    outcome: 'failed',
    httpStatus: 503,
    rpcCode: RPC_CODES.unavailable,
    message: 'The request could not be handled; the log of the daemon says why.',
    retryAfterMs,
  };
}
