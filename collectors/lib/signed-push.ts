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
  return hmacOf(algorithm, secret, parts).toString('hex');
}

function hmacOf(
  algorithm: 'sha256' | 'sha1',
  secret: string | Uint8Array,
  parts: readonly (string | Uint8Array)[],
): Buffer {
  const hmac = createHmac(algorithm, secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
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
  /** By id, when it came. */
  readonly #seen = new Map<string, number>();

  /**
   * `sentAtMs`: from a header or body that the signature covers; null where the place sends none.
   * `id`: the push's own, where the signature covers one; else its body is.
   * `forMs`: how long the same can't be a new one.
   */
  refuse(
    request: WebhookRequest,
    sentAtMs: number | null,
    id: string = sha256(request.body),
    forMs: number = Number.POSITIVE_INFINITY,
  ): void {
    const now = millisFromTimestamp(request.receivedAt);
    const age = sentAtMs === null ? 0 : Math.abs(now - sentAtMs);
    if (!(age <= AGE_MS_MAX)) throw new Fault('permanent', 'The push is too old, or a clock is wrong.');
    const before = this.#seen.get(id);
    if (before !== undefined && now - before < forMs) throw new Fault('permanent', 'The push was here before.');
    this.#seen.delete(id);
    this.#seen.set(id, now);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= REMEMBERED_MAX) break;
      this.#seen.delete(oldest);
    }
  }
}

/**
 * Takes a push in the form of standardwebhooks.com: `v1,` and the base64 HMAC-SHA256 of
 * `id.seconds.body`. While a secret is replaced, several signatures are sent.
 * `header`: the names of its three headers, in lower case.
 */
export function requireStandardWebhook(
  request: WebhookRequest,
  key: string | Uint8Array,
  replays: Replays,
  header: { readonly id: string; readonly timestamp: string; readonly signature: string } = STANDARD_HEADERS,
): void {
  const id = request.headers[header.id] ?? '';
  const seconds = request.headers[header.timestamp] ?? '';
  const expected = hmacOf('sha256', key, [`${id}.${seconds}.`, request.body]).toString('base64');
  requireSignature((request.headers[header.signature] ?? '').split(' '), `v1,${expected}`);
  replays.refuse(request, /^\d+$/.test(seconds) ? Number(seconds) * 1000 : Number.NaN, id);
}

const STANDARD_HEADERS = { id: 'webhook-id', timestamp: 'webhook-timestamp', signature: 'webhook-signature' };
const STANDARD_SECRET = 'whsec_';

/** True for a secret in the form of standardwebhooks.com, which signs and is not sent itself. */
export function isStandardSecret(secret: string): boolean {
  return secret.startsWith(STANDARD_SECRET);
}

/** The bytes that such a secret signs with. Throws a `Fault` of kind `config` when there are none: anybody could sign with none. */
export function standardKey(secret: string): Uint8Array {
  const key = Buffer.from(isStandardSecret(secret) ? secret.slice(STANDARD_SECRET.length) : secret, 'base64');
  if (key.length > 0) return key;
  throw new Fault('config', 'webhook_secret is no signing secret.', {
    hint: `Copy it whole; it begins with ${STANDARD_SECRET}.`,
  });
}

/** The body of a push as JSON. Only after its signature was checked. */
export function pushedJson(request: WebhookRequest): unknown {
  try {
    return JSON.parse(Buffer.from(request.body).toString('utf8')) as unknown;
  } catch (error) {
    throw new Fault('permanent', 'The push is not JSON.', { cause: error });
  }
}
