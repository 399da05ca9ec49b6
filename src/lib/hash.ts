/** SHA-256 in the one spelling the project uses. */

import { createHash } from 'node:crypto';

/** `sha256:` and 64 lower-case hex digits of the bytes, or of the text's UTF-8. */
export function sha256(content: string | Uint8Array): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** A short, stable id from parts that can't be confused with each other: 16 hex digits. */
export function shortId(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
