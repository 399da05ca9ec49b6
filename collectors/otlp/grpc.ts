/**
 * OTLP over gRPC. The same admission, limits and answers as over HTTP; who may not send is told so before
 * its bytes are read. They go to `accept` undecoded, so there is no generated code.
 */

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Component } from '../../src/contract/component.ts';
import { Fault } from '../../src/contract/fault.ts';
import type {
  AcceptTelemetry,
  Acknowledgement,
  AuthorizeIngest,
  TelemetryRequest,
} from '../../src/contract/telemetry.ts';
import { GrowingBuffer } from '../../src/lib/growing-buffer.ts';
import { sleep } from '../../src/lib/limits.ts';
import { encodeExportResponse, RPC_CODES, type OtlpSignal } from '../../src/otlp/responses.ts';
import { answerOf, failed, overloaded, stopping, unauthorized, type Refusal } from './answer-of.ts';
import { contentEncoding, CONTENT_ENCODINGS, type ContentEncoding } from './decompress.ts';
import { GrpcConnections } from './grpc-connections.ts';
import { isGrpc, readMessage, refuseCall, reply } from './grpc-wire.ts';
import { Share, type InFlight, type OtlpLimits } from './limits.ts';
import { countBody, countRequest } from './metrics.ts';

export interface OtlpGrpcOptions {
  readonly host: string;
  /** 0 picks a free one; see `port` after `start`. */
  readonly port: number;
  readonly accept: AcceptTelemetry;
  readonly authorize: AuthorizeIngest;
  readonly limits: OtlpLimits;
  readonly inFlight: InFlight;
  readonly onError: (error: unknown) => void;
}

/** By the path of the method. */
const SIGNALS = new Map<string | undefined, OtlpSignal>([
  ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'traces'],
  ['/opentelemetry.proto.collector.logs.v1.LogsService/Export', 'logs'],
  ['/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', 'metrics'],
]);

// What a call takes beside its bytes is not counted in flight: some 20 KB, three times as much while it inflates.
const CALLS_MAX = 2_000;

// Below the ten seconds after which exporters give up by default.
const HOLD_MS = 5_000;
const HOLD_STEP_MS = 500;

export class OtlpGrpcReceiver implements Component {
  readonly name = 'otlp-grpc';
  readonly #options: OtlpGrpcOptions;
  readonly #connections: GrpcConnections;
  #port = 0;
  #calls = 0;
  #isStopping = false;
  #stopped: Promise<void> | null = null;

  constructor(options: OtlpGrpcOptions) {
    this.#options = options;
    const onCall = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => this.#onCall(stream, headers);
    this.#connections = new GrpcConnections(onCall, options.limits.grpcConnectionsMax);
  }

  /** The port in use; only after `start`. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const { host, port } = this.#options;
    try {
      this.#port = await this.#connections.listen(port, host);
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const hint = code === 'EADDRINUSE' ? 'Choose another port with --grpc-port.' : 'Check the address.';
      throw new Fault('config', `OTLP/gRPC can't listen on ${host}:${port}: ${message}.`, { hint, cause });
    }
  }

  stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    this.#stopped ??= this.#connections.close(deadlineMs);
    return this.#stopped;
  }

  #onCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.#calls += 1;
    stream.once('close', () => {
      this.#calls -= 1;
    });
    const signal = SIGNALS.get(headers[':path']) ?? 'traces';
    this.#serve(stream, signal, headers).catch((error: unknown) => {
      this.#options.onError(error);
      this.#refuse(stream, signal, failed(this.#options.limits.retryAfterMs));
    });
  }

  async #serve(stream: ServerHttp2Stream, signal: OtlpSignal, headers: IncomingHttpHeaders): Promise<void> {
    const admission = this.#admit(headers);
    if (admission.outcome === 'admitted') await this.#serveBody(stream, signal, admission.encoding);
    else this.#refuse(stream, signal, admission);
  }

  /** Everything that can be said before the body is read. */
  #admit(headers: IncomingHttpHeaders): Refusal | Admitted {
    const { authorize, limits } = this.#options;
    if (headers[':method'] !== 'POST' || !isGrpc(headers['content-type'])) return noGrpc();
    if (!SIGNALS.has(headers[':path'])) return notFound(headers[':path'] ?? '');
    const decision = authorize(headers);
    if (decision !== 'allowed') return unauthorized(decision);
    if (this.#isStopping) return stopping(limits);
    const encoding = contentEncoding(headers['grpc-encoding']?.toString());
    if (encoding === null) return unsupportedEncoding();
    if (this.#calls > CALLS_MAX) return overloaded('Too many calls at once.', limits.retryAfterMs);
    return { outcome: 'admitted', encoding };
  }

  async #serveBody(stream: ServerHttp2Stream, signal: OtlpSignal, encoding: ContentEncoding): Promise<void> {
    const { inFlight, limits } = this.#options;
    const share = new Share(inFlight);
    const sent = new GrowingBuffer();
    const inflated = new GrowingBuffer();
    try {
      const read = await readMessage(stream, encoding, { sent, inflated, share }, limits);
      if (read.outcome === 'aborted') countRequest('grpc', signal, 'aborted');
      else if (read.outcome === 'refused') this.#refuse(stream, signal, read.refusal);
      else await this.#handle(stream, signal, read.message);
    } finally {
      share.giveBack();
      sent.clear();
      inflated.clear();
    }
  }

  async #handle(stream: ServerHttp2Stream, signal: OtlpSignal, body: Buffer): Promise<void> {
    countBody('grpc', body.length);
    if (signal === 'metrics') {
      countRequest('grpc', signal, 'metrics_dropped');
      return this.#reply(stream, signal, 0, '');
    }
    const answer = answerOf(await this.#acceptPatiently({ signal, encoding: 'protobuf', body }, stream));
    if (answer.kind === 'refusal') return this.#refuse(stream, signal, answer.refusal);
    countRequest('grpc', signal, answer.rejected === 0 ? 'accepted' : 'partly_rejected');
    return this.#reply(stream, signal, answer.rejected, answer.message);
  }

  /**
   * Some exporters (JavaScript's) throw their batch away at UNAVAILABLE, although OTLP says to try
   * again: a short overload is waited out here, on the sender's deadline and our bytes in flight.
   */
  async #acceptPatiently(request: TelemetryRequest, stream: ServerHttp2Stream): Promise<Acknowledgement> {
    const giveUpAt = performance.now() + HOLD_MS;
    for (;;) {
      const acknowledgement = await this.#options.accept(request);
      if (acknowledgement.outcome !== 'overloaded' || this.#isStopping || stream.closed) return acknowledgement;
      const waitMs = Math.min(acknowledgement.retryAfterMs, HOLD_STEP_MS);
      if (performance.now() + waitMs > giveUpAt) return acknowledgement;
      await passesOrCloses(waitMs, stream);
      if (stream.closed) return acknowledgement;
    }
  }

  #reply(stream: ServerHttp2Stream, signal: OtlpSignal, rejected: number, message: string): void {
    reply(stream, encodeExportResponse('protobuf', signal, rejected, message), this.#options.limits);
  }

  #refuse(stream: ServerHttp2Stream, signal: OtlpSignal, refusal: Refusal): void {
    countRequest('grpc', signal, refusal.outcome);
    refuseCall(stream, refusal, this.#options.limits);
  }
}

interface Admitted {
  readonly outcome: 'admitted';
  readonly encoding: ContentEncoding;
}

/** A sender that goes away is not waited for. */
async function passesOrCloses(waitMs: number, stream: ServerHttp2Stream): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  stream.once('close', onClose);
  await sleep(waitMs, gone.signal).catch(() => {});
  stream.off('close', onClose);
}

function noGrpc(): Refusal {
  const message = 'Use POST, and application/grpc as Content-Type.';
  return { outcome: 'unsupported_media_type', httpStatus: 415, rpcCode: RPC_CODES.invalidArgument, message };
}

function notFound(path: string): Refusal {
  const message = `There is nothing at ${path.slice(0, 200)}; telemetry goes to ${[...SIGNALS.keys()].join(', ')}.`;
  return { outcome: 'not_found', httpStatus: 404, rpcCode: RPC_CODES.unimplemented, message };
}

function unsupportedEncoding(): Refusal {
  const message = `grpc-encoding must be one of ${CONTENT_ENCODINGS.join(', ')}.`;
  return { outcome: 'unsupported_encoding', httpStatus: 415, rpcCode: RPC_CODES.unimplemented, message };
}
