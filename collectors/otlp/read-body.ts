/** Reads one HTTP body within the limits. Chunked bodies have no length beforehand, so each chunk is counted. */

import type { IncomingMessage } from 'node:http';
import type { GrowingBuffer } from '../../src/lib/growing-buffer.ts';
import type { InFlight, OtlpLimits } from './limits.ts';

// What a sender says of the length is believed so far.
const RESERVED_BYTES_MAX = 1024 * 1024;

export type ReadBody =
  | { readonly outcome: 'read' }
  | { readonly outcome: 'too_large' }
  | { readonly outcome: 'no_room' }
  | { readonly outcome: 'timed_out' }
  | { readonly outcome: 'aborted' };

/**
 * Gathers the body in `into`, which is empty. What was taken from `inFlight` is reported through `taken` as it
 * happens: the caller gives it back when the request is over, however it ends.
 */
export function readBody(
  request: IncomingMessage,
  into: GrowingBuffer,
  limits: OtlpLimits,
  inFlight: InFlight,
  taken: (bytes: number) => void,
): Promise<ReadBody> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limits.bodyBytesMax) return Promise.resolve({ outcome: 'too_large' });
  // It may have gone while somebody was asked whether it may send.
  if (request.destroyed) return Promise.resolve({ outcome: 'aborted' });
  return new Promise((resolve) => {
    const finish = (result: ReadBody): void => {
      clearTimeout(timer);
      request.off('data', onData);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      if (into.length + chunk.length > limits.bodyBytesMax) {
        finish({ outcome: 'too_large' });
      } else if (inFlight.take(chunk.length)) {
        taken(chunk.length);
        if (into.length === 0) into.reserve(Math.min(declared, RESERVED_BYTES_MAX));
        into.addBytes(chunk);
      } else {
        finish({ outcome: 'no_room' });
      }
    };
    const timer = setTimeout(() => finish({ outcome: 'timed_out' }), limits.bodyTimeoutMs);
    request.on('data', onData);
    request.once('end', () => finish({ outcome: 'read' }));
    request.once('error', () => finish({ outcome: 'aborted' }));
    request.once('close', () => finish({ outcome: 'aborted' }));
  });
}
