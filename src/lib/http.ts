/**
 * A `fetch` that can't be hurt by the other side: response bytes, time and redirects are limited,
 * and every failure is a `Fault` that names the host and the cause, never a header or a query.
 */

import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import { Fault } from '../contract/fault.ts';
import { orAborted } from './limits.ts';
import { isLoopback } from './loopback.ts';
import { formatDuration } from './time.ts';

export interface FetchLimits {
  /** Of one response, after decompression. */
  readonly bodyBytesMax: number;
  /** For one request, from its start to the last byte of the answer. */
  readonly timeoutMs: number;
}

// Registries answer in kilobytes; 8 MiB leaves room for a page of a hundred long prompts.
export const DEFAULT_FETCH_LIMITS: FetchLimits = { bodyBytesMax: 8 * 1024 * 1024, timeoutMs: 10_000 };

const REDIRECTS_MAX = 5;
const RETRY_AFTER_MS_MAX = 3_600_000;

/** Request headers that another host may see after a redirect. Everything else may be a credential. */
const HARMLESS_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'if-modified-since',
  'if-none-match',
  'user-agent',
]);

/** Statuses whose answer has no body by definition. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** A `fetch` with limits. Throws a `Fault` for failures of the network and of the limits, not for statuses. */
export function boundedFetch(
  limits: FetchLimits = DEFAULT_FETCH_LIMITS,
  inner: typeof globalThis.fetch = globalThis.fetch,
): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const timeout = AbortSignal.timeout(limits.timeoutMs);
    const signal = AbortSignal.any([request.signal, timeout]);
    const explain = (error: unknown): unknown => {
      if (request.signal.aborted) return request.signal.reason;
      if (timeout.aborted) {
        return new Fault(
          'transient',
          `${hostOf(request.url)} did not answer completely within ${formatDuration(limits.timeoutMs)}.`,
        );
      }
      return networkFault(error, request.url);
    };
    try {
      const response = await followRedirects(request, signal, inner);
      return withBoundedBody(response, request.url, limits.bodyBytesMax, explain);
    } catch (error) {
      throw explain(error);
    }
  };
}

async function followRedirects(first: Request, signal: AbortSignal, inner: typeof globalThis.fetch): Promise<Response> {
  // A body is kept as bytes, because a stream could not be sent a second time.
  const body = first.body === null ? null : await first.arrayBuffer();
  let url = new URL(first.url);
  let method = first.method;
  for (let redirects = 0; ; redirects += 1) {
    const sendBody = method === 'GET' || method === 'HEAD' ? null : body;
    const response = await inner(url, { method, headers: first.headers, body: sendBody, signal, redirect: 'manual' });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || response.status === 304 || location === null) return response;
    await response.body?.cancel();
    if (redirects >= REDIRECTS_MAX) {
      throw new Fault('permanent', `${hostOf(first.url)} redirected more than ${REDIRECTS_MAX} times.`);
    }
    const next = new URL(location, url);
    refuseUnsafeRedirect(first, url, next);
    if (next.hostname !== url.hostname) await orAborted(refuseInwardRedirect(url, next), signal);
    if (response.status === 303 || (response.status < 303 && method === 'POST')) method = 'GET';
    url = next;
  }
}

/** Credentials and bodies go only where the operator sent them. */
function refuseUnsafeRedirect(first: Request, from: URL, to: URL): void {
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    throw new Fault('permanent', `${from.host} redirects to ${to.protocol}, which is not followed.`);
  }
  if (to.origin === from.origin) return;
  const carriesMore = first.body !== null || [...first.headers.keys()].some((name) => !HARMLESS_HEADERS.has(name));
  if (!carriesMore) return;
  throw new Fault('permanent', `${from.origin} redirects to ${to.origin}, and credentials are not sent on.`, {
    hint: `Write ${to.origin} in the configuration if that is the right address.`,
  });
}

/** This machine. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addSubnet('0.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');
LOOPBACK.addAddress('::', 'ipv6');
/** Where clouds give a machine its credentials: link-local, and what some have beside it. */
const METADATA = new BlockList();
METADATA.addSubnet('169.254.0.0', 16);
METADATA.addSubnet('fe80::', 10, 'ipv6');
// AWS has its metadata there, and those of pods; Google, Scaleway, Alibaba, Oracle.
METADATA.addSubnet('fd00:ec2::', 32, 'ipv6');
METADATA.addAddress('fd20:ce::254', 'ipv6');
METADATA.addAddress('fd00:42::42', 'ipv6');
METADATA.addAddress('100.100.100.200');
METADATA.addAddress('192.0.0.192');

/** Who runs a server that is watched must not choose what is read on this machine, nor from its cloud. */
async function refuseInwardRedirect(from: URL, to: URL): Promise<void> {
  const addresses = await addressesOf(to.hostname);
  const isWithin = (list: BlockList): boolean =>
    addresses.some(({ address, family }) => list.check(address, family === 6 ? 'ipv6' : 'ipv4'));
  if (!isWithin(METADATA) && (!isWithin(LOOPBACK) || isLoopback(from.hostname))) return;
  throw new Fault(
    'permanent',
    `${from.origin} redirects to ${to.origin}, an address within this machine or its cloud.`,
    {
      hint: `Write ${to.origin} in the configuration if that is the right address.`,
    },
  );
}

/** None where the name is not known: then the request says so. */
function addressesOf(host: string): Promise<readonly LookupAddress[]> {
  return lookup(host.replace(/^\[|\]$/g, ''), { all: true }).catch(() => []);
}

function withBoundedBody(
  response: Response,
  url: string,
  bodyBytesMax: number,
  explain: (error: unknown) => unknown,
): Response {
  const tooLarge = (): Fault =>
    new Fault('permanent', `${hostOf(url)} answered with more than ${formatBytes(bodyBytesMax)}.`, {
      hint: 'Point the source at something smaller, or page through it.',
    });
  const { status, statusText, headers, body } = response;
  if (body === null || WITHOUT_BODY.has(status)) return new Response(null, { status, statusText, headers });
  // A length is of the encoded bytes: a small one proves nothing, a large one is enough to stop.
  if (Number(headers.get('content-length') ?? 0) > bodyBytesMax) {
    body.cancel().catch(() => undefined);
    throw tooLarge();
  }
  const reader = body.getReader();
  let bytes = 0;
  const bounded = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          controller.close();
          return;
        }
        bytes += value.byteLength;
        if (bytes > bodyBytesMax) {
          reader.cancel().catch(() => undefined);
          controller.error(tooLarge());
        } else {
          controller.enqueue(value);
        }
      } catch (error) {
        controller.error(explain(error));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(bounded, { status, statusText, headers });
}

/** What the codes of Node's sockets, resolver and TLS mean to somebody who has to fix it. */
const NETWORK_CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection',
  EHOSTUNREACH: 'has no route to it',
  ENETUNREACH: 'has no route to it',
  ENOTFOUND: 'is not known to the resolver',
  EAI_AGAIN: 'could not be resolved just now',
  EPIPE: 'closed the connection',
  ETIMEDOUT: 'did not accept a connection in time',
  CERT_HAS_EXPIRED: 'has an expired certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'has a self-signed certificate in its chain',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate that could not be verified',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name',
  UND_ERR_CONNECT_TIMEOUT: 'did not accept a connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'stopped in the middle of its answer',
  UND_ERR_SOCKET: 'closed the connection',
};

function networkFault(error: unknown, url: string): unknown {
  if (error instanceof Fault) return error;
  if (!(error instanceof Error)) return error;
  const code = codeOf(error) ?? codeOf(error.cause);
  // `fetch` throws a TypeError for whatever happened on the wire; anything else is not ours to name.
  if (code === null && !(error instanceof TypeError)) return error;
  const words = NETWORK_CAUSES[code ?? ''] ?? `could not be reached (${code ?? 'connection failed'})`;
  return new Fault('transient', `${hostOf(url)} ${words}.`, { cause: error });
}

function codeOf(error: unknown): string | null {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Scheme, host and port: what an error may show of an address. Paths and queries may hold secrets. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'The address';
}

/**
 * `Retry-After` as milliseconds, or, where a budget is used up, GitHub's `X-RateLimit-Reset` (seconds since
 * 1970); a date is read against the server's own clock, since ours may be wrong.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function retryAfterMs(headers: Headers): number | undefined {
  const nowMs = Date.parse(headers.get('date') ?? '') || Date.now();
  const reset = headers.get('x-ratelimit-remaining') === '0' ? headers.get('x-ratelimit-reset') : null;
  const value = headers.get('retry-after')?.trim() ?? '';
  if (value === '') return reset === null ? undefined : boundedWait(Number(reset) * 1000 - nowMs);
  const seconds = Number(value);
  return boundedWait(Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - nowMs);
}

function boundedWait(millis: number): number | undefined {
  return Number.isFinite(millis) ? Math.min(Math.max(0, millis), RETRY_AFTER_MS_MAX) : undefined;
}

/** The fault for a status that is neither success nor an expected answer. `detail`: what the body said, if anything. */
export function statusFault(url: string, response: Response, detail = ''): Fault {
  const { status } = response;
  const message = `${hostOf(url)} answered ${status}${detail === '' ? '' : `: ${detail}`}${/[.!?]$/.test(detail) ? '' : '.'}`;
  const wait = retryAfterMs(response.headers);
  const later = wait === undefined ? {} : { retryAfterMs: wait };
  // GitHub refuses with 403 whoever asks too often.
  if (status === 429 || (status === 403 && wait !== undefined)) return new Fault('overloaded', message, later);
  if (status === 401 || status === 403) {
    return new Fault('permanent', message, { hint: 'Check the key and what it may read.' });
  }
  if (status === 408 || status === 425 || status >= 500) return new Fault('transient', message, later);
  return new Fault('permanent', message);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 / 1024)} MiB`;
}
