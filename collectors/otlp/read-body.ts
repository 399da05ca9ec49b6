/** Reads one HTTP body within the limits. Chunked bodies have no length beforehand, so each chunk is counted. */

import type { IncomingMessage } from 'node:http';
import type { InFlight, OtlpLimits } from './limits.ts';

export type ReadBody =
  | { readonly outcome: 'read'; readonly body: Buffer }
  | { readonly outcome: 'too_large' }
  | { readonly outcome: 'no_room' }
  | { readonly outcome: 'timed_out' }
  | { readonly outcome: 'aborted' };

/**
 * What was taken from `inFlight` is reported through `taken` as it happens: the caller gives it
 * back when the request is over, however it ends.
 */
export function readBody(
  request: IncomingMessage,
  limits: OtlpLimits,
  inFlight: InFlight,
  taken: (bytes: number) => void,
): Promise<ReadBody> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limits.bodyBytesMax) return Promise.resolve({ outcome: 'too_large' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (result: ReadBody): void => {
      clearTimeout(timer);
      request.off('data', onData);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > limits.bodyBytesMax) {
        finish({ outcome: 'too_large' });
      } else if (inFlight.take(chunk.length)) {
        taken(chunk.length);
        chunks.push(chunk);
      } else {
        finish({ outcome: 'no_room' });
      }
    };
    const timer = setTimeout(() => finish({ outcome: 'timed_out' }), limits.bodyTimeoutMs);
    request.on('data', onData);
    request.once('end', () =>
      finish({ outcome: 'read', body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes) }),
    );
    request.once('error', () => finish({ outcome: 'aborted' }));
    request.once('close', () => finish({ outcome: 'aborted' }));
  });
}
