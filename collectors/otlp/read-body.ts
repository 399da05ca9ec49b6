/** Reads one body within the limits. Chunked ones have no length beforehand, so each chunk is counted. */

import type { Readable } from 'node:stream';
import type { GrowingBuffer } from '../../src/lib/growing-buffer.ts';
import type { OtlpLimits, Share } from './limits.ts';

// What a sender says of the length is believed so far, and up to so many times what has come.
const RESERVED_BYTES_MAX = 1024 * 1024;
const RESERVED_TIMES_MAX = 4;

export interface ReadBody {
  readonly outcome: 'read' | 'too_large' | 'no_room' | 'timed_out' | 'aborted' | 'unwanted';
}

export interface BodySource {
  readonly stream: Readable;
  /** What the sender says of the length; 0 when it says nothing. Asked again when more has come. */
  readonly declaredBytes: (soFar: GrowingBuffer) => number;
  /** Asked after each chunk about all that came so far; true ends the reading. */
  readonly isUnwanted?: (soFar: GrowingBuffer) => boolean;
}

/** Gathers the body in `into`, which is empty, and counts it in `share` as it comes. */
export function readBody(
  { stream, declaredBytes, isUnwanted }: BodySource,
  into: GrowingBuffer,
  limits: OtlpLimits,
  share: Share,
): Promise<ReadBody> {
  if (declaredBytes(into) > limits.bodyBytesMax) return Promise.resolve({ outcome: 'too_large' });
  // It may have gone while somebody was asked whether it may send.
  if (stream.destroyed) return Promise.resolve({ outcome: 'aborted' });
  return new Promise((resolve) => {
    const finish = (outcome: ReadBody['outcome']): void => {
      clearTimeout(timer);
      stream.off('data', onData);
      resolve({ outcome });
    };
    const onData = (chunk: Buffer): void => {
      if (into.length + chunk.length > limits.bodyBytesMax) {
        finish('too_large');
      } else if (share.take(chunk.length)) {
        if (into.length + chunk.length > into.room.length) reserveFor(declaredBytes(into), into);
        into.addBytes(chunk);
        if (isUnwanted?.(into) === true) finish('unwanted');
      } else {
        finish('no_room');
      }
    };
    const timer = setTimeout(() => finish('timed_out'), limits.bodyTimeoutMs);
    stream.on('data', onData);
    stream.once('end', () => finish('read'));
    stream.once('error', () => finish('aborted'));
    stream.once('close', () => finish('aborted'));
  });
}

/** So that it is not copied at each doubling, and leaves no half empty room at the end. */
function reserveFor(declaredBytes: number, into: GrowingBuffer): void {
  const bytesMax = Math.max(RESERVED_BYTES_MAX, into.length * RESERVED_TIMES_MAX);
  into.reserve(Math.min(declaredBytes, bytesMax) - into.length);
}
