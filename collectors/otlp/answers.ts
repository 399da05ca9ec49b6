/**
 * The bodies that OTLP answers are made of, in the request's own encoding: Export*ServiceResponse
 * (the three have one shape), and google.rpc.Status with google.rpc.RetryInfo. So few fields that
 * they are written by hand. Source: opentelemetry-proto, googleapis google/rpc.
 */

export type BodyEncoding = 'protobuf' | 'json';

/** google.rpc.Code */
export const RPC_CODES = {
  ok: 0,
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;
export type RpcCode = (typeof RPC_CODES)[keyof typeof RPC_CODES];

const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';

/** What the rejected ones are called in JSON. */
export const REJECTED_FIELDS = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
} as const;
export type AnsweredSignal = keyof typeof REJECTED_FIELDS;

/** `partial_success` stays unset when nothing was rejected and there is nothing to say. */
export function exportResponse(
  encoding: BodyEncoding,
  signal: AnsweredSignal,
  rejected: number,
  message: string,
): Buffer {
  const isFull = rejected === 0 && message === '';
  if (encoding === 'json') {
    if (isFull) return Buffer.from('{}');
    // int64 is a string in protobuf's JSON.
    const partialSuccess = { [REJECTED_FIELDS[signal]]: String(rejected), errorMessage: message };
    return Buffer.from(JSON.stringify({ partialSuccess }));
  }
  if (isFull) return Buffer.alloc(0);
  return bytesField(1, Buffer.concat([varintField(1, rejected), bytesField(2, Buffer.from(message))]));
}

/** A google.rpc.Status; with `retryAfterMs` it carries a RetryInfo. */
export function statusBody(encoding: BodyEncoding, code: RpcCode, message: string, retryAfterMs?: number): Buffer {
  if (encoding === 'json') {
    const details =
      retryAfterMs === undefined ? [] : [{ '@type': RETRY_INFO_TYPE, retryDelay: `${retryAfterMs / 1_000}s` }];
    return Buffer.from(JSON.stringify({ code, message, ...(details.length > 0 && { details }) }));
  }
  const fields = [varintField(1, code), bytesField(2, Buffer.from(message))];
  if (retryAfterMs !== undefined) fields.push(bytesField(3, retryInfoAny(retryAfterMs)));
  return Buffer.concat(fields);
}

function retryInfoAny(retryAfterMs: number): Buffer {
  const seconds = Math.floor(retryAfterMs / 1_000);
  const nanos = Math.round((retryAfterMs - seconds * 1_000) * 1_000_000);
  const duration = Buffer.concat([varintField(1, seconds), varintField(2, nanos)]);
  return Buffer.concat([bytesField(1, Buffer.from(RETRY_INFO_TYPE)), bytesField(2, bytesField(1, duration))]);
}

/** Zero is protobuf's default and is left out. */
function varintField(field: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(field * 8), varint(value)]);
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
