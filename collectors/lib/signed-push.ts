/** Checks that a push comes from who it says, is not old, and was not here before. */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { Fault } from '../../src/contract/fault.ts';
import type { WebhookRequest } from '../../src/contract/source.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { millisFromTimestamp } from '../../src/lib/time.ts';

// Clocks differ by minutes; a push that is older was held back by somebody.
const AGE_MS_MAX = 300_000;
// Pushes that are remembered: many more than arrive within the greatest age.
const REMEMBERED_MAX = 10_000;

export function hmacHex(
  algorithm: 'sha256' | 'sha1',
  secret: string,
  ...parts: readonly (string | Uint8Array)[]
): string {
  const hmac = createHmac(algorithm, secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}

/** Compares without telling by its time how much was right. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Throws a `Fault` of kind `permanent` unless one of the given signatures is the expected one. */
export function requireSignature(given: readonly string[], expected: string): void {
  if (!given.some((signature) => sameSecret(signature, expected))) {
    throw new Fault('permanent', 'The signature of the push is wrong.', {
      hint: 'Is the signing secret the one of this webhook?',
    });
  }
}

/** Remembers pushes, so that none is taken twice. */
export class Replays {
  readonly #seen = new Set<string>();

  /** `sentAtMs`: from a header or body that the signature covers; null where the place sends none. */
  refuse(request: WebhookRequest, sentAtMs: number | null): void {
    const age = sentAtMs === null ? 0 : Math.abs(millisFromTimestamp(request.receivedAt) - sentAtMs);
    if (!(age <= AGE_MS_MAX)) throw new Fault('permanent', 'The push is too old, or a clock is wrong.');
    const id = sha256(request.body);
    if (this.#seen.has(id)) throw new Fault('permanent', 'The push was here before.');
    this.#seen.add(id);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= REMEMBERED_MAX) break;
      this.#seen.delete(oldest);
    }
  }
}

/** The body of a push as JSON. Only after its signature was checked. */
export function pushedJson(request: WebhookRequest): unknown {
  try {
    return JSON.parse(Buffer.from(request.body).toString('utf8')) as unknown;
  } catch (error) {
    throw new Fault('permanent', 'The push is not JSON.', { cause: error });
  }
}
