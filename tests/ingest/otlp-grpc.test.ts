import { Client, compressionAlgorithms, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OtlpGrpcReceiver } from '../../collectors/otlp/grpc.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import type { Acknowledgement, TelemetryRequest } from '../../src/contract/telemetry.ts';

const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const DURABLE: Acknowledgement = { outcome: 'durable', rejected: 0, message: '' };

const seen: TelemetryRequest[] = [];
let acknowledge: () => Acknowledgement = () => DURABLE;
const inFlight = new InFlight(1_000_000);
const receiver = new OtlpGrpcReceiver({
  host: '127.0.0.1',
  port: 0,
  accept: (telemetry) => {
    seen.push(telemetry);
    return Promise.resolve(acknowledge());
  },
  authorize: ({ authorization }) => (authorization === 'Bearer wrong' ? 'unauthenticated' : 'allowed'),
  limits: { ...DEFAULT_OTLP_LIMITS, bodyBytesMax: 100_000 },
  inFlight,
  onError: (error) => {
    throw error;
  },
});
let client: Client;

beforeAll(async () => {
  await receiver.start();
  client = new Client(`127.0.0.1:${receiver.port}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await receiver.stop(1_000);
});
beforeEach(() => {
  seen.length = 0;
  acknowledge = () => DURABLE;
});

interface Answer {
  readonly error: ServiceError | null;
  readonly body: Buffer | undefined;
}

function call(path: string, body: Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  const same = (bytes: Buffer): Buffer => bytes;
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, body, metadata, (error, answer) => resolve({ error, body: answer }));
  });
}

describe('OTLP over gRPC', () => {
  it('hands over the bytes and answers with an empty response', async () => {
    const { error, body } = await call(TRACES, Buffer.from('bytes'));
    expect([error, body?.length]).toEqual([null, 0]);
    expect(seen[0]).toMatchObject({ signal: 'traces', encoding: 'protobuf', body: Buffer.from('bytes') });
  });

  it('accepts metrics and drops them', async () => {
    expect((await call(METRICS, Buffer.from('x'))).error).toBeNull();
    expect(seen).toEqual([]);
  });

  it('waits a short overload out', async () => {
    const answers: Acknowledgement[] = [{ outcome: 'overloaded', retryAfterMs: 20, message: 'full' }, DURABLE];
    acknowledge = () => answers.shift() ?? DURABLE;
    expect((await call(TRACES, Buffer.from('x'))).error).toBeNull();
    expect(seen).toHaveLength(2);
  });

  it('then says UNAVAILABLE, with a RetryInfo', async () => {
    acknowledge = () => ({ outcome: 'overloaded', retryAfterMs: 9_000, message: 'full' });
    const { error } = await call(TRACES, Buffer.from('x'));
    expect([error?.code, error?.details]).toEqual([14, 'full']);
    const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
    expect(details?.toString()).toContain('google.rpc.RetryInfo');
  });

  it.each([
    ['bad data', { outcome: 'undecodable', reason: 'malformed', message: 'no' }, 3],
    ['too many spans', { outcome: 'undecodable', reason: 'too_large', message: 'no' }, 8],
  ] as const)('says what is final: %s', async (_name, acknowledgement, code) => {
    acknowledge = () => acknowledgement;
    const { error } = await call(TRACES, Buffer.from('x'));
    expect(error?.code).toBe(code);
    expect(error?.metadata.get('grpc-status-details-bin').toString()).not.toContain('RetryInfo');
  });

  it('refuses a wrong key and a message that is too long', async () => {
    expect((await call(TRACES, Buffer.from('x'), { authorization: 'Bearer wrong' })).error?.code).toBe(16);
    expect((await call(TRACES, Buffer.alloc(200_000))).error?.code).toBe(8);
    expect(seen).toEqual([]);
  });

  it('refuses a decompression bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const compressed = new Client(`127.0.0.1:${receiver.port}`, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    });
    const same = (bytes: Buffer): Buffer => bytes;
    const error = await new Promise<ServiceError | null>((resolve) => {
      compressed.makeUnaryRequest(TRACES, same, same, Buffer.alloc(5_000_000), new Metadata(), (failure) =>
        resolve(failure),
      );
    });
    compressed.close();
    expect(bomb.length).toBeLessThan(100_000);
    expect(error?.code).toBe(8);
    expect([seen, inFlight.bytes]).toEqual([[], 0]);
  });
});
