/** Content encodings of OTLP/HTTP, each with a limit that holds while it inflates, not after. */

import { promisify } from 'node:util';
import { constants, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib';

const gunzipAsync = promisify(gunzip);
const inflateAsync = promisify(inflate);
const inflateRawAsync = promisify(inflateRaw);
const zstdAsync = promisify(zstdDecompress);

// 2^25 bytes: what `zstd -19` needs is 2^23; a frame may otherwise demand gigabytes of window.
const ZSTD_WINDOW_LOG_MAX = 25;

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
  | { readonly outcome: 'malformed'; readonly message: string };

export async function decompress(encoding: ContentEncoding, body: Buffer, bytesMax: number): Promise<Decompressed> {
  if (encoding === 'identity' || body.length === 0) return { outcome: 'inflated', body };
  try {
    return { outcome: 'inflated', body: await inflateBody(encoding, body, bytesMax) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') return { outcome: 'too_large' };
    return { outcome: 'malformed', message: `The body is not valid ${encoding}: ${message}.` };
  }
}

function inflateBody(encoding: Exclude<ContentEncoding, 'identity'>, body: Buffer, bytesMax: number): Promise<Buffer> {
  const options = { maxOutputLength: bytesMax };
  if (encoding === 'gzip') return gunzipAsync(body, options);
  if (encoding === 'zstd') {
    return zstdAsync(body, { ...options, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
  }
  // Some senders mean the bare stream, without the zlib header (method 8 in the low four bits).
  return ((body[0] ?? 0) & 15) === 8 ? inflateAsync(body, options) : inflateRawAsync(body, options);
}
