/** Encodings of OTLP's bodies, with limits that hold while they inflate, not after. */

import {
  constants,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  type Gunzip,
  type Inflate,
  type InflateRaw,
  type ZstdDecompress,
} from 'node:zlib';
import type { GrowingBuffer } from '../../src/lib/growing-buffer.ts';
import type { Share } from './limits.ts';

// 2^25 bytes: what `zstd -19` needs is 2^23; a frame may otherwise demand gigabytes of window.
const ZSTD_WINDOW_LOG_MAX = 25;
// Frames may follow one another (RFC 8878, section 3). Encoders write one, or one for each of some megabytes.
const ZSTD_FRAMES_MAX = 1_000;

// Its header and trailer.
const GZIP_BYTES_MIN = 18;
// A match of 258 bytes takes two bits at least.
const DEFLATE_RATIO_MAX = 1_032;

export const CONTENT_ENCODINGS = ['identity', 'gzip', 'deflate', 'zstd'] as const;
export type ContentEncoding = (typeof CONTENT_ENCODINGS)[number];

/** Reads a Content-Encoding header; null for one that we don't speak. */
export function contentEncoding(header: string | undefined): ContentEncoding | null {
  const name = (header ?? '').trim().toLowerCase();
  if (name === '') return 'identity';
  if (name === 'x-gzip') return 'gzip';
  return CONTENT_ENCODINGS.find((encoding) => encoding === name) ?? null;
}

export type Decompressed =
  | { readonly outcome: 'inflated'; readonly body: Buffer }
  | { readonly outcome: 'too_large' }
  | { readonly outcome: 'no_room' }
  | { readonly outcome: 'malformed'; readonly message: string };

/** Inflates `body` into `into`, which is empty, and counts what comes out in `share` before it is kept. */
export async function decompress(
  encoding: ContentEncoding,
  body: Buffer,
  into: GrowingBuffer,
  bytesMax: number,
  share: Share,
): Promise<Decompressed> {
  if (encoding === 'identity' || body.length === 0) return { outcome: 'inflated', body };
  const expected = encoding === 'gzip' ? gzipSize(body, bytesMax) : 0;
  if (!share.take(expected)) return { outcome: 'no_room' };
  into.reserve(expected);
  const keep = (chunk: Buffer): 'kept' | 'too_large' | 'no_room' => {
    const length = into.length + chunk.length;
    if (length > bytesMax) return 'too_large';
    if (!share.take(Math.max(0, Math.min(chunk.length, length - expected)))) return 'no_room';
    into.addBytes(chunk);
    return 'kept';
  };
  let rest = body;
  for (let frames = 1; ; frames += 1) {
    const result = await inflateFrame(encoding, rest, keep);
    if (typeof result !== 'number') return result;
    rest = rest.subarray(result);
    if (encoding !== 'zstd' || rest.length === 0) return { outcome: 'inflated', body: into.bytes };
    if (frames === ZSTD_FRAMES_MAX) return malformed(encoding, `more than ${ZSTD_FRAMES_MAX} frames`);
  }
}

/** How many bytes of `body` were read: all of them, unless a frame of zstd ended before. */
function inflateFrame(
  encoding: Exclude<ContentEncoding, 'identity'>,
  body: Buffer,
  keep: (chunk: Buffer) => 'kept' | 'too_large' | 'no_room',
): Promise<number | Decompressed> {
  const inflating = inflater(encoding, body);
  return new Promise((resolve) => {
    inflating.on('data', (chunk: Buffer) => {
      const outcome = keep(chunk);
      if (outcome === 'kept') return;
      // Inside of `data` nothing is being inflated: after this nobody reads `body` any more.
      inflating.destroy();
      resolve({ outcome });
    });
    inflating.once('end', () => resolve(inflating.bytesWritten));
    inflating.once('error', ({ message }) => resolve(malformed(encoding, message)));
    inflating.end(body);
  });
}

function malformed(encoding: ContentEncoding, problem: string): Decompressed {
  return { outcome: 'malformed', message: `The body is not valid ${encoding}: ${problem}.` };
}

type Inflater = Gunzip | Inflate | InflateRaw | ZstdDecompress;

function inflater(encoding: Exclude<ContentEncoding, 'identity'>, body: Buffer): Inflater {
  if (encoding === 'gzip') return createGunzip();
  if (encoding === 'zstd') {
    return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
  }
  // Some senders mean the bare stream, without the zlib header (method 8 in the low four bits).
  return ((body[0] ?? 0) & 15) === 8 ? createInflate() : createInflateRaw();
}

/**
 * What the end of a gzip stream says of the size (RFC 1952, ISIZE), 0 when that can't be true. With it those for
 * which there is no room are refused before anything is inflated, where else all of them would begin.
 */
function gzipSize(body: Buffer, bytesMax: number): number {
  const size = body.length < GZIP_BYTES_MIN ? 0 : body.readUInt32LE(body.length - 4);
  return size > Math.min(bytesMax, body.length * DEFLATE_RATIO_MAX) ? 0 : size;
}
