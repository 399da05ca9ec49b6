/**
 * OTLP over HTTP: protobuf and JSON on one port. Knows the protocol's answers and limits; what the
 * bodies mean is for whoever is behind `accept`.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Component } from '../../src/contract/component.ts';
import { Fault } from '../../src/contract/fault.ts';
import type { AcceptTelemetry, AuthorizeIngest } from '../../src/contract/telemetry.ts';
import type { OtlpEncoding } from '../../src/otlp/model.ts';
import {
  CONTENT_TYPES,
  encodeExportResponse,
  encodeStatus,
  RPC_CODES,
  type OtlpSignal,
} from '../../src/otlp/responses.ts';
import {
  answerOf,
  bodyTimedOut,
  bodyTooLarge,
  failed,
  fromPage,
  malformed,
  noRoom,
  stopping,
  unauthorized,
  type Refusal,
} from './answer-of.ts';
import { contentEncoding, CONTENT_ENCODINGS, decompress, type ContentEncoding } from './decompress.ts';
import { Share, type InFlight, type OtlpLimits } from './limits.ts';
import { countBody, countRefusedConnection, countRequest } from './metrics.ts';
import { GrowingBuffer, type Rooms } from '../../src/lib/growing-buffer.ts';
import { readBody } from './read-body.ts';

export interface OtlpHttpOptions {
  readonly host: string;
  /** 0 picks a free one; see `port` after `start`. */
  readonly port: number;
  readonly accept: AcceptTelemetry;
  readonly authorize: (
    ...headers: Parameters<AuthorizeIngest>
  ) => ReturnType<AuthorizeIngest> | Promise<ReturnType<AuthorizeIngest>>;
  /** Where bodies are gathered, if it matters to `accept`; which may take the memory of one away. */
  readonly rooms?: Rooms;
  readonly limits: OtlpLimits;
  readonly inFlight: InFlight;
  /** A bug behind `accept`; the sender was told to come back. */
  readonly onError: (error: unknown) => void;
}

/** Langfuse's exporter has a path of its own. */
const PATHS: Readonly<Record<string, OtlpSignal>> = {
  '/v1/traces': 'traces',
  '/v1/logs': 'logs',
  '/v1/metrics': 'metrics',
  '/api/public/otel/v1/traces': 'traces',
};

// A sender that was refused may still be sending; so long and so much of it is read and thrown away before the
// connection ends: many see a reset instead of an answer that came before it, and send the same again for ever.
const DRAIN_MS = 5_000;
const DRAIN_BYTES_MAX = 256 * 1024 * 1024;
// SDKs send every 5 s, which is when Node's server would close: a request on its way then is lost.
// Longer than proxies keep their connections, so that it is them who close.
const KEEP_ALIVE_MS = 120_000;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: OtlpSignal;
  readonly encoding: OtlpEncoding;
}

export class OtlpHttpReceiver implements Component {
  readonly name = 'otlp-http';
  readonly #options: OtlpHttpOptions;
  readonly #server: Server;
  /** Connections without a request so far. Load balancers open some in advance; to Node they are not idle. */
  readonly #unused = new Set<Socket>();
  #isStopping = false;

  constructor(options: OtlpHttpOptions) {
    this.#options = options;
    const limits = { requestTimeout: options.limits.bodyTimeoutMs * 2, keepAliveTimeout: KEEP_ALIVE_MS };
    this.#server = createServer(limits, (request, response) => {
      this.#unused.delete(request.socket);
      this.#serve(request, response).catch((error: unknown) => {
        options.onError(error);
        response.destroy();
      });
    });
    this.#server.maxConnections = options.limits.httpConnectionsMax;
    this.#server.on('drop', () => countRefusedConnection('http'));
    this.#server.on('connection', (socket) => {
      this.#unused.add(socket);
      socket.once('close', () => this.#unused.delete(socket));
    });
  }

  /** The port in use; only after `start`. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const place = `${this.#options.host}:${this.#options.port}`;
        const hint = error.code === 'EADDRINUSE' ? 'Choose another port with --otlp-port.' : 'Check the address.';
        reject(new Fault('config', `OTLP/HTTP can't listen on ${place}: ${error.message}.`, { hint, cause: error }));
      });
      this.#server.listen(this.#options.port, this.#options.host, resolve);
    });
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    for (const socket of this.#unused) socket.destroy();
    const timer = setTimeout(() => this.#server.closeAllConnections(), deadlineMs);
    await closed;
    clearTimeout(timer);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0]?.replace(/(?<!\/)\/+$/, '') ?? '';
    const signal = PATHS[path];
    const encoding = requestEncoding(request.headers['content-type']);
    const exchange = { request, response, signal: signal ?? 'traces', encoding: encoding ?? 'json' };
    const refusal = await this.#refuseByHead(request, signal, encoding);
    if (refusal !== null) {
      this.#refuse(exchange, refusal);
      return;
    }
    const bodyEncoding = contentEncoding(request.headers['content-encoding']);
    if (bodyEncoding === null) this.#refuse(exchange, unsupportedEncoding());
    else await this.#serveBody(exchange, bodyEncoding);
  }

  /** Everything that can be said before the body is read. */
  async #refuseByHead(
    request: IncomingMessage,
    signal: string | undefined,
    encoding: OtlpEncoding | null,
  ): Promise<Refusal | null> {
    const { authorize, limits } = this.#options;
    if (signal === undefined) return notFound(request.url ?? '');
    if (request.method !== 'POST') return methodNotAllowed();
    if (this.#isStopping) return stopping(limits);
    if (isFromPage(request)) return fromPage();
    const decision = authorize(request.headers);
    const settled = typeof decision === 'string' ? decision : await decision;
    if (settled !== 'allowed') return unauthorized(settled);
    return encoding === null ? unsupportedMediaType() : null;
  }

  async #serveBody(exchange: Exchange, bodyEncoding: ContentEncoding): Promise<void> {
    const { inFlight, limits, rooms } = this.#options;
    const share = new Share(inFlight);
    const sent = new GrowingBuffer(0, rooms);
    const inflated = new GrowingBuffer(0, rooms);
    const declaredBytes = Number(exchange.request.headers['content-length'] ?? 0);
    try {
      const read = await readBody(
        { stream: exchange.request, declaredBytes: () => declaredBytes },
        sent,
        limits,
        share,
      );
      if (read.outcome === 'aborted') countRequest('http', exchange.signal, 'aborted');
      else if (read.outcome === 'too_large') this.#refuse(exchange, bodyTooLarge(limits));
      else if (read.outcome === 'no_room') this.#refuse(exchange, noRoom(limits));
      else if (read.outcome === 'timed_out') this.#refuse(exchange, bodyTimedOut());
      else await this.#inflate(exchange, bodyEncoding, sent.bytes, inflated, share);
    } finally {
      share.giveBack();
      sent.clear();
      inflated.clear();
    }
  }

  async #inflate(
    exchange: Exchange,
    bodyEncoding: ContentEncoding,
    sent: Buffer,
    into: GrowingBuffer,
    share: Share,
  ): Promise<void> {
    const { limits } = this.#options;
    const inflated = await decompress(bodyEncoding, sent, into, limits.bodyBytesMax, share);
    if (inflated.outcome === 'too_large') this.#refuse(exchange, bodyTooLarge(limits));
    else if (inflated.outcome === 'no_room') this.#refuse(exchange, noRoom(limits));
    else if (inflated.outcome === 'malformed') this.#refuse(exchange, malformed(inflated.message));
    else await this.#handle(exchange, inflated.body);
  }

  async #handle(exchange: Exchange, body: Buffer): Promise<void> {
    const { limits, accept } = this.#options;
    countBody('http', body.length);
    const { signal, encoding } = exchange;
    if (signal === 'metrics') return this.#succeed(exchange, 0, '', true);
    try {
      const answer = answerOf(await accept({ signal, encoding, body }));
      if (answer.kind === 'refusal') this.#refuse(exchange, answer.refusal);
      else this.#succeed(exchange, answer.rejected, answer.message, false);
    } catch (error) {
      this.#options.onError(error);
      this.#refuse(exchange, failed(limits.retryAfterMs));
    }
  }

  #succeed(exchange: Exchange, rejected: number, message: string, isDropped: boolean): void {
    const accepted = rejected === 0 ? 'accepted' : 'partly_rejected';
    countRequest('http', exchange.signal, isDropped ? 'metrics_dropped' : accepted);
    const body = encodeExportResponse(exchange.encoding, exchange.signal, rejected, message);
    exchange.response.writeHead(200, {
      'content-type': CONTENT_TYPES[exchange.encoding],
      'content-length': body.length,
      // Else the stop would wait for a connection that its sender keeps.
      ...(this.#isStopping && { connection: 'close' }),
    });
    exchange.response.end(body);
  }

  #refuse(exchange: Exchange, refusal: Refusal): void {
    const { request, response, signal, encoding } = exchange;
    countRequest('http', signal, refusal.outcome);
    const body = encodeStatus(encoding, refusal.rpcCode, refusal.message, refusal.retryAfterMs);
    const isUnread = !request.complete;
    response.writeHead(refusal.httpStatus, {
      ...refusalHeaders(refusal),
      'content-type': CONTENT_TYPES[encoding],
      'content-length': String(body.length),
      ...((isUnread || this.#isStopping) && { connection: 'close' }),
    });
    if (!isUnread) return void response.end(body);
    response.write(body);
    drain(request, () => response.end());
  }
}

/**
 * Without keys any page in a browser on this machine could reach us on the loopback, without asking first where it
 * leaves the content type out. Browsers say of each POST which page it is from; a key shows that it is meant.
 */
function isFromPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined && headers.authorization === undefined;
}

function refusalHeaders(refusal: Refusal): Record<string, string> {
  const headers: Record<string, string> = {};
  if (refusal.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(refusal.retryAfterMs / 1_000)));
  }
  if (refusal.httpStatus === 401) headers['www-authenticate'] = 'Bearer';
  if (refusal.httpStatus === 405) headers['allow'] = 'POST';
  if (refusal.httpStatus === 415) headers['accept-encoding'] = CONTENT_ENCODINGS.join(', ');
  return headers;
}

function drain(request: IncomingMessage, onDone: () => void): void {
  let bytes = 0;
  const timer = setTimeout(onDone, DRAIN_MS);
  request.on('error', () => {});
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DRAIN_BYTES_MAX) onDone();
  });
  request.once('end', onDone);
  request.once('close', () => {
    clearTimeout(timer);
    onDone();
  });
  request.resume();
}

/** A missing Content-Type is read as protobuf, OTLP's default. */
function requestEncoding(header: string | undefined): OtlpEncoding | null {
  const type = (header ?? CONTENT_TYPES.protobuf).split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : null;
}

function notFound(url: string): Refusal {
  const message = `There is nothing at ${url.slice(0, 200)}; telemetry goes to ${Object.keys(PATHS).join(', ')}.`;
  return { outcome: 'not_found', httpStatus: 404, rpcCode: RPC_CODES.unimplemented, message };
}

function methodNotAllowed(): Refusal {
  return { outcome: 'not_found', httpStatus: 405, rpcCode: RPC_CODES.unimplemented, message: 'Use POST.' };
}

function unsupportedMediaType(): Refusal {
  const message = `Content-Type must be ${CONTENT_TYPES.protobuf} or ${CONTENT_TYPES.json}.`;
  return { outcome: 'unsupported_media_type', httpStatus: 415, rpcCode: RPC_CODES.invalidArgument, message };
}

function unsupportedEncoding(): Refusal {
  const message = `Content-Encoding must be one of ${CONTENT_ENCODINGS.join(', ')}.`;
  return { outcome: 'unsupported_encoding', httpStatus: 415, rpcCode: RPC_CODES.invalidArgument, message };
}
