/** A small HTTP server that plays an API: routes to a handler, remembers what it was asked, and has all troubles. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TROUBLES, type Trouble } from './stand-in.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** Decoded parts of the path. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly raw: Buffer;
  /** The body as JSON, null when it is none. */
  readonly body: any;
}

export interface ApiAnswer {
  readonly status?: number;
  /** Sent as JSON, or as it is when it is a text; a function goes on writing until the connection ends. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpStandIn {
  readonly origin: string;
  readonly requests: ApiRequest[];
  readonly troubles: readonly Trouble[];
  readonly trouble: (kind: Trouble | null) => Promise<void>;
  readonly close: () => Promise<void>;
}

const HUGE_BYTES = 50_000_000;

export async function serveApi(handler: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>): Promise<HttpStandIn> {
  const requests: ApiRequest[] = [];
  let trouble: Trouble | null = null;
  const server = createServer((incoming, response) => {
    void (async () => {
      const request = await readRequest(incoming);
      requests.push(request);
      if (trouble !== null) beInTrouble(trouble, request, response);
      else send(response, await handler(request));
    })().catch((error: unknown) => send(response, { status: 599, body: String(error) }));
  });
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    troubles: TROUBLES,
    trouble: async (kind) => {
      trouble = kind;
      if (kind === 'gone') await stop();
      else if (!server.listening) await listen(port);
    },
    close: stop,
  };
}

async function readRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const raw = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>));
  const url = new URL(incoming.url ?? '/', 'http://stand-in');
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    parts: url.pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent),
    query: url.searchParams,
    headers: incoming.headers as Record<string, string | undefined>,
    raw,
    body: jsonOrNull(raw),
  };
}

function jsonOrNull(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString());
  } catch {
    return null;
  }
}

function send(response: ServerResponse, { status = 200, body, headers = {} }: ApiAnswer): void {
  if (typeof body === 'function') {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).flushHeaders();
    body(response);
  } else if (typeof body === 'string' || body instanceof Uint8Array) {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
  } else if (body === undefined) {
    response.writeHead(status, headers).end();
  } else {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }
}

function beInTrouble(trouble: Trouble, request: ApiRequest, response: ServerResponse): void {
  const html = { 'content-type': 'text/html' };
  switch (trouble) {
    case 'throttled':
      return send(response, { status: 429, headers: { 'retry-after': '7' }, body: { message: 'Slow down.' } });
    case 'broken':
      return send(response, { status: 500, body: { message: 'Something went wrong.' } });
    case 'html':
      return send(response, { headers: html, body: '<!doctype html><title>Sign in</title>' });
    case 'html-404':
      return send(response, { status: 404, headers: html, body: '<html><h1>404 page not found</h1></html>' });
    case 'json-404':
      return send(response, { status: 404, body: { message: 'no Route matched with those values' } });
    case 'truncated':
      return send(response, { headers: { 'content-type': 'application/json' }, body: '{"data":[{"name":"inte' });
    case 'huge':
      return pour(response);
    case 'hangs':
    case 'gone':
      return;
    case 'refused': {
      const sent = Object.entries(request.headers).filter(([name]) => /auth|key|token/.test(name));
      return send(response, { status: 401, body: { message: `Wrong: ${sent.map(([, value]) => value).join(' ')}` } });
    }
  }
}

/** 50 MB of valid JSON, without a length to warn of it. */
function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let left = HUGE_BYTES;
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"content":"');
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', more);
        return;
      }
    }
    response.end('"}');
  };
  more();
}

/** One page of a list, with the offset where the next one starts, or null. */
export function pageOf<Item>(items: readonly Item[], offset: number, size: number) {
  const end = offset + size;
  return { page: items.slice(offset, end), next: end < items.length ? end : null };
}
