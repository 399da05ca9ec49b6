/**
 * What a receiver answers, as bytes: Export*ServiceResponse and google.rpc.Status in the encoding
 * of the request. The two signals' responses have the same shape, so one encoder serves both.
 */

import type { OtlpEncoding } from './model.ts';

export const CONTENT_TYPES: Readonly<Record<OtlpEncoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

export type OtlpSignal = 'traces' | 'logs' | 'metrics';

const REJECTED_NAMES: Readonly<Record<OtlpSignal, string>> = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
};

/**
 * Export*ServiceResponse. Nothing rejected and no message: partial_success stays unset, which is
 * full success. Otherwise the client is told how many were left out, and must not send them again.
 */
export function encodeExportResponse(
  encoding: OtlpEncoding,
  signal: OtlpSignal,
  rejected = 0,
  message = '',
): Uint8Array<ArrayBuffer> {
  const isFull = rejected === 0 && message === '';
  if (encoding === 'json') {
    const partialSuccess = { [REJECTED_NAMES[signal]]: String(rejected), errorMessage: message };
    return utf8(JSON.stringify(isFull ? {} : { partialSuccess }));
  }
  if (isFull) return new Uint8Array(0);
  const partial = [...(rejected === 0 ? [] : [...tag(1, 0), ...varint(rejected)]), ...bytesField(2, utf8(message))];
  return Uint8Array.from(bytesField(1, partial));
}

/** Codes of google.rpc that an OTLP receiver needs. */
export const RPC_CODES = {
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;
export type RpcCode = (typeof RPC_CODES)[keyof typeof RPC_CODES];

/** google.rpc.Status. With `retryDelayMs` it carries a RetryInfo, which tells a sender to slow down. */
export function encodeStatus(
  encoding: OtlpEncoding,
  code: RpcCode,
  message: string,
  retryDelayMs?: number,
): Uint8Array<ArrayBuffer> {
  if (encoding === 'json') {
    const details =
      retryDelayMs === undefined
        ? {}
        : { details: [{ '@type': RETRY_INFO_TYPE, retryDelay: `${Math.ceil(retryDelayMs) / 1_000}s` }] };
    return utf8(JSON.stringify({ code, message, ...details }));
  }
  const status = [...tag(1, 0), ...varint(code), ...bytesField(2, utf8(message))];
  if (retryDelayMs !== undefined) status.push(...bytesField(3, retryInfo(retryDelayMs)));
  return Uint8Array.from(status);
}

const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';

/** google.protobuf.Any of a google.rpc.RetryInfo { Duration retry_delay = 1 }. */
function retryInfo(retryDelayMs: number): number[] {
  const millis = Math.max(0, Math.ceil(retryDelayMs));
  const seconds = Math.floor(millis / 1_000);
  const nanos = (millis % 1_000) * 1_000_000;
  const duration = [...tag(1, 0), ...varint(seconds), ...tag(2, 0), ...varint(nanos)];
  return [...bytesField(1, utf8(RETRY_INFO_TYPE)), ...bytesField(2, bytesField(1, duration))];
}

function tag(field: number, wireType: number): number[] {
  return varint(field * 8 + wireType);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

function bytesField(field: number, bytes: ArrayLike<number>): number[] {
  return bytes.length === 0 ? [] : [...tag(field, 2), ...varint(bytes.length), ...Array.from(bytes)];
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
