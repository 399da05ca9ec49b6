/**
 * OTLP over gRPC. The same admission and the same answers as over HTTP. Message bytes go to
 * `accept` undecoded, so there is no generated code.
 */

import {
  Metadata,
  Server,
  ServerCredentials,
  type handleUnaryCall,
  type sendUnaryData,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import type { Component } from '../../src/contract/component.ts';
import { Fault } from '../../src/contract/fault.ts';
import type {
  AcceptTelemetry,
  Acknowledgement,
  AuthorizeIngest,
  TelemetryRequest,
} from '../../src/contract/telemetry.ts';
import { sleep } from '../../src/lib/limits.ts';
import {
  encodeExportResponse,
  encodeStatus,
  RPC_CODES,
  type OtlpSignal,
  type RpcCode,
} from '../../src/otlp/responses.ts';
import { answerOf, failed, overloaded, unauthorized, type Refusal } from './answer-of.ts';
import type { InFlight, OtlpLimits } from './limits.ts';
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

type ExportCall = handleUnaryCall<Buffer, Buffer>;

const EXPORT_PATHS: Readonly<Record<OtlpSignal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};

// One connection's share: an exporter keeps one batch in flight, a collector a handful.
const STREAMS_PER_CONNECTION_MAX = 64;

// Below the ten seconds after which exporters give up by default.
const HOLD_MS = 5_000;
const HOLD_STEP_MS = 500;

export class OtlpGrpcReceiver implements Component {
  readonly name = 'otlp-grpc';
  readonly #options: OtlpGrpcOptions;
  readonly #server: Server;
  #port = 0;
  #isStopping = false;
  #stopped: Promise<void> | null = null;

  constructor(options: OtlpGrpcOptions) {
    this.#options = options;
    this.#server = new Server({
      'grpc.max_receive_message_length': options.limits.bodyBytesMax,
      'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
    });
    for (const [signal, path] of Object.entries(EXPORT_PATHS) as [OtlpSignal, string][]) {
      this.#server.addService(serviceAt(path), { export: this.#handler(signal) });
    }
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const place = `${this.#options.host}:${this.#options.port}`;
    this.#port = await new Promise((resolve, reject) => {
      this.#server.bindAsync(place, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else {
          const hint = 'Choose another port with --grpc-port.';
          reject(new Fault('config', `OTLP/gRPC can't listen on ${place}: ${error.message}.`, { hint, cause: error }));
        }
      });
    });
  }

  stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    this.#stopped ??= new Promise((resolve) => {
      const timer = setTimeout(() => this.#server.forceShutdown(), deadlineMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.#stopped;
  }

  #handler(signal: OtlpSignal): ExportCall {
    return (call, callback) => {
      this.#serve(signal, call.request, call.metadata, () => call.cancelled, callback).catch((error: unknown) => {
        this.#options.onError(error);
        refuse(signal, failed(this.#options.limits.retryAfterMs), callback);
      });
    };
  }

  async #serve(
    signal: OtlpSignal,
    body: Buffer,
    metadata: Metadata,
    isCancelled: () => boolean,
    callback: sendUnaryData<Buffer>,
  ): Promise<void> {
    const { authorize, inFlight, limits } = this.#options;
    const decision = authorize(headersOf(metadata));
    if (decision !== 'allowed') return refuse(signal, unauthorized(decision), callback);
    if (this.#isStopping) return refuse(signal, overloaded('The daemon is stopping.', limits.retryAfterMs), callback);
    if (!inFlight.take(body.length)) {
      return refuse(signal, overloaded('Too many bytes are in flight.', limits.retryAfterMs), callback);
    }
    try {
      countBody('grpc', body.length);
      if (signal === 'metrics') {
        countRequest('grpc', signal, 'metrics_dropped');
        return callback(null, exportBytes(signal));
      }
      const answer = answerOf(await this.#acceptPatiently({ signal, encoding: 'protobuf', body }, isCancelled));
      if (answer.kind === 'refusal') return refuse(signal, answer.refusal, callback);
      countRequest('grpc', signal, answer.rejected === 0 ? 'accepted' : 'partly_rejected');
      return callback(null, exportBytes(signal, answer.rejected, answer.message));
    } finally {
      inFlight.give(body.length);
    }
  }

  /**
   * Some exporters (JavaScript's) throw their batch away at UNAVAILABLE, although OTLP says to try
   * again: a short overload is waited out here, on the sender's deadline and our bytes in flight.
   */
  async #acceptPatiently(request: TelemetryRequest, isCancelled: () => boolean): Promise<Acknowledgement> {
    const giveUpAt = performance.now() + HOLD_MS;
    for (;;) {
      const acknowledgement = await this.#options.accept(request);
      if (acknowledgement.outcome !== 'overloaded' || this.#isStopping || isCancelled()) return acknowledgement;
      const waitMs = Math.min(acknowledgement.retryAfterMs, HOLD_STEP_MS);
      if (performance.now() + waitMs > giveUpAt) return acknowledgement;
      await sleep(waitMs);
    }
  }
}

const STATUSES: Readonly<Record<RpcCode, status>> = {
  [RPC_CODES.invalidArgument]: status.INVALID_ARGUMENT,
  [RPC_CODES.permissionDenied]: status.PERMISSION_DENIED,
  [RPC_CODES.resourceExhausted]: status.RESOURCE_EXHAUSTED,
  [RPC_CODES.unimplemented]: status.UNIMPLEMENTED,
  [RPC_CODES.unavailable]: status.UNAVAILABLE,
  [RPC_CODES.unauthenticated]: status.UNAUTHENTICATED,
};

function refuse(signal: OtlpSignal, refusal: Refusal, callback: sendUnaryData<Buffer>): void {
  countRequest('grpc', signal, refusal.outcome);
  const metadata = new Metadata();
  const { rpcCode: code, message, retryAfterMs } = refusal;
  metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus('protobuf', code, message, retryAfterMs)));
  callback({ code: STATUSES[code], details: message, metadata });
}

function exportBytes(signal: OtlpSignal, rejected = 0, message = ''): Buffer {
  return Buffer.from(encodeExportResponse('protobuf', signal, rejected, message));
}

const same = (bytes: Buffer): Buffer => bytes;

function serviceAt(path: string): ServiceDefinition {
  return {
    export: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  };
}

function headersOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]));
}
