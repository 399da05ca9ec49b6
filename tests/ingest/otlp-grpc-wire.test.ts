/** OTLP over gRPC frame by frame: what senders may get wrong, and what they must not be able to make us keep. */

import { once } from 'node:events';
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket, createServer, Socket, type AddressInfo } from 'node:net';
import { queryObjects } from 'node:v8';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OtlpGrpcReceiver, type OtlpGrpcOptions } from '../../collectors/otlp/grpc.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import type { Acknowledgement } from '../../src/contract/telemetry.ts';

const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const LIMITS = {
  ...DEFAULT_OTLP_LIMITS,
  bodyBytesMax: 100_000,
  inFlightBytesMax: 400_000,
  bodyTimeoutMs: 300,
  grpcConnectionsMax: 5,
};
const NO_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const DURABLE: Acknowledgement = { outcome: 'durable', rejected: 0, message: '' };
const OVERLOADED: Acknowledgement = { outcome: 'overloaded', retryAfterMs: 1_000, message: 'full' };

const seen: Buffer[] = [];
const errors: unknown[] = [];
let acknowledge: () => Promise<Acknowledgement>;
let mostInFlight = 0;
let inFlight: InFlight;
let receiver: OtlpGrpcReceiver;
let session: ClientHttp2Session;

beforeEach(async () => {
  seen.length = 0;
  errors.length = 0;
  mostInFlight = 0;
  acknowledge = () => Promise.resolve(DURABLE);
  receiver = createReceiver();
  await receiver.start();
  session = open();
});
afterEach(async () => {
  session.destroy();
  await receiver.stop(1_000);
  // Not by the end of the time that a body has.
  await vi.waitUntil(() => inFlight.bytes === 0, { timeout: LIMITS.bodyTimeoutMs / 3, interval: 5 });
  if (errors.length > 0) throw errors[0];
});

function createReceiver(options: Partial<OtlpGrpcOptions> = {}): OtlpGrpcReceiver {
  inFlight = new InFlight(LIMITS.inFlightBytesMax);
  return new OtlpGrpcReceiver({
    host: '127.0.0.1',
    port: 0,
    accept: ({ body }) => {
      // Its memory is used again.
      seen.push(Buffer.from(body));
      mostInFlight = Math.max(mostInFlight, inFlight.bytes);
      return acknowledge();
    },
    authorize: ({ authorization }) => (authorization === 'Bearer wrong' ? 'unauthenticated' : 'allowed'),
    limits: LIMITS,
    inFlight,
    onError: (error) => errors.push(error),
    ...options,
  });
}

function open(options = {}): ClientHttp2Session {
  const opened = connect(`http://127.0.0.1:${receiver.port}`, options);
  opened.on('error', () => {});
  return opened;
}

interface Answer {
  readonly httpStatus: number | undefined;
  readonly code: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

interface Call {
  readonly stream: ClientHttp2Stream;
  readonly answer: Promise<Answer>;
}

/** Code -1: it was ended without a status. */
function call(headers: OutgoingHttpHeaders = {}, on = session): Call {
  const stream = on.request({
    ':method': 'POST',
    ':path': TRACES,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  const got: Record<string, unknown> = {};
  const chunks: Buffer[] = [];
  stream.on('response', (head) => Object.assign(got, head));
  stream.on('trailers', (trailers) => Object.assign(got, trailers));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  const answer = new Promise<Answer>((resolve) => {
    stream.once('close', () => {
      const code = Number(got['grpc-status'] ?? -1);
      const httpStatus = got[':status'] as number | undefined;
      resolve({ httpStatus, code, headers: got, body: Buffer.concat(chunks) });
    });
  });
  return { stream, answer };
}

function send(bytes: Buffer, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  const { stream, answer } = call(headers);
  stream.end(bytes);
  return answer;
}

function framed(message: Buffer, isCompressed = false, length = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

function gate(): { readonly open: () => void; readonly passed: Promise<Acknowledgement> } {
  const { promise, resolve } = Promise.withResolvers<Acknowledgement>();
  return { open: () => resolve(DURABLE), passed: promise };
}

describe('a call', () => {
  it('is answered with one message and trailers', async () => {
    const { httpStatus, code, headers, body } = await send(framed(Buffer.from('bytes')));
    expect([httpStatus, code, headers['content-type']]).toEqual([200, 0, 'application/grpc']);
    expect([body.toString('hex'), String(seen)]).toEqual(['0000000000', 'bytes']);
  });

  it('may be split over many frames', async () => {
    const { stream, answer } = call();
    for (const byte of framed(Buffer.from('in single bytes'))) {
      stream.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    stream.end();
    expect([(await answer).code, String(seen)]).toEqual([0, 'in single bytes']);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
  ] as const)('may be compressed with %s', async (encoding, compress) => {
    const message = Buffer.from('abc'.repeat(20_000));
    expect((await send(framed(compress(message), true), { 'grpc-encoding': encoding })).code).toBe(0);
    expect(seen[0]?.equals(message)).toBe(true);
  });

  it('may leave a message uncompressed although it names an encoding, and be empty', async () => {
    expect((await send(framed(Buffer.from('plain')), { 'grpc-encoding': 'gzip' })).code).toBe(0);
    expect((await send(framed(Buffer.alloc(0)))).code).toBe(0);
    expect(seen.map(String)).toEqual(['plain', '']);
  });

  it('is taken in the place of one that was cancelled, when a hundred are at the same moment', async () => {
    const { open: release, passed } = gate();
    acknowledge = () => passed;
    const late = Array.from({ length: 100 }, () => call());
    for (const { stream } of late) stream.end(framed(Buffer.from('x')));
    await expect.poll(() => seen.length).toBe(100);
    for (const { stream } of late) stream.close(constants.NGHTTP2_CANCEL);
    const again = late.map(() => send(framed(Buffer.from('x'))));
    await expect.poll(() => seen.length).toBe(200);
    release();
    expect(new Set((await Promise.all(again)).map(({ code }) => code))).toEqual(new Set([0]));
  });

  it('is told how many were rejected', async () => {
    acknowledge = () => Promise.resolve({ outcome: 'durable', rejected: 2, message: 'no id' });
    const { code, body } = await send(framed(Buffer.from('x')));
    // ExportTraceServiceResponse { partial_success { rejected_spans: 2, error_message: "no id" } }
    expect([code, body.toString('hex')]).toEqual([0, '000000000b0a09080212056e6f206964']);
  });

  it('is told any reason in ASCII, and again as a google.rpc.Status', async () => {
    acknowledge = () => Promise.resolve({ outcome: 'undecodable', reason: 'malformed', message: '50% ü\n' });
    const { code, headers } = await send(framed(Buffer.from('x')));
    expect([code, headers['grpc-message']]).toEqual([3, '50%25 %C3%BC%0A']);
    const details = String(headers['grpc-status-details-bin']);
    expect(Buffer.from(details, 'base64').toString()).toContain('50% ü\n');
    expect(details).not.toContain('=');
  });
});

describe('what is no call', () => {
  const message = framed(Buffer.from('x'));
  it.each([
    ['no message', Buffer.alloc(0), {}, 12],
    ['two messages', Buffer.concat([message, message]), {}, 12],
    ['a message that ends early', message.subarray(0, 5), {}, 13],
    ['a prefix that ends early', message.subarray(0, 3), {}, 13],
    ['a compressed message without an encoding', framed(gzipSync('x'), true), {}, 13],
    ['a message that is not what its encoding says', framed(Buffer.from('x'), true), { 'grpc-encoding': 'gzip' }, 13],
    ['an unknown encoding', framed(Buffer.from('x'), true), { 'grpc-encoding': 'snappy' }, 12],
    ['an unknown method', message, { ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Import' }, 12],
  ])('is told so: %s', async (_name, bytes, headers, code) => {
    const answer = await send(bytes, headers);
    expect([answer.httpStatus, answer.code, seen]).toEqual([200, code, []]);
    expect(answer.headers['grpc-message']).toMatch(/\w/);
  });

  it('hears which encodings there are', async () => {
    const { headers } = await send(message, { 'grpc-encoding': 'snappy' });
    expect(headers['grpc-accept-encoding']).toBe('identity,gzip,deflate,zstd');
  });

  it.each([
    ['another media type', { 'content-type': 'application/json' }],
    ['gRPC with JSON', { 'content-type': 'application/grpc+json' }],
    ['another method', { ':method': 'PUT' }],
  ])('is told 415: %s', async (_name, headers) => {
    expect((await send(message, headers)).httpStatus).toBe(415);
  });

  it('is nothing to fall over: HTTP/1 and noise', async () => {
    for (const noise of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnoise of some length']) {
      const socket = connectSocket(receiver.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.write(noise);
      await new Promise((resolve) => {
        socket.once('close', resolve);
      });
    }
    expect((await send(message)).code).toBe(0);
  });
});

describe('a sender that would make us keep much', () => {
  it('needs a key first: it is refused before its body has come', async () => {
    const { stream, answer } = call({ authorization: 'Bearer wrong' });
    stream.write(framed(Buffer.alloc(50_000), false, 90_000));
    expect([(await answer).code, mostInFlight, seen]).toEqual([16, 0, []]);
  });

  it('hears at once that a message will be too long', async () => {
    const { stream, answer } = call();
    stream.write(framed(Buffer.from('x'), false, LIMITS.bodyBytesMax + 1));
    expect((await answer).code).toBe(8);
    expect((await send(framed(Buffer.alloc(LIMITS.bodyBytesMax)))).code).toBe(0);
  });

  it.each([
    ['that say how large they are', gzipSync(Buffer.alloc(90_000))],
    ['that do not', Buffer.concat([gzipSync(Buffer.alloc(90_000)), gzipSync(Buffer.alloc(0))])],
  ])('is refused when its bombs take all the room: %s', async (_name, bomb) => {
    const { open: release, passed } = gate();
    acknowledge = () => passed;
    const answers = Array.from({ length: 40 }, () => send(framed(bomb, true), { 'grpc-encoding': 'gzip' }));
    const refused = await Promise.race(answers);
    expect([refused.code, refused.headers['grpc-message']]).toEqual([14, 'Too many bytes are in flight.']);
    expect(Buffer.from(String(refused.headers['grpc-status-details-bin']), 'base64').toString()).toContain('RetryInfo');
    release();
    const codes = (await Promise.all(answers)).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set([0, 14]));
    expect(codes.filter((code) => code === 0).length).toBeLessThanOrEqual(4);
    expect(mostInFlight).toBeLessThanOrEqual(LIMITS.inFlightBytesMax);
    expect(inFlight.bytes).toBe(0);
  });

  it('is refused when its bomb is longer than a body may be', async () => {
    const bomb = framed(gzipSync(Buffer.alloc(20_000_000)), true);
    expect((await send(bomb, { 'grpc-encoding': 'gzip' })).code).toBe(8);
  });

  it('is refused when bodies that are not compressed take all the room', async () => {
    const calls = Array.from({ length: 6 }, () => call());
    for (const { stream } of calls) stream.write(framed(Buffer.alloc(80_000), false, 90_000));
    expect((await Promise.race(calls.map(({ answer }) => answer))).code).toBe(14);
    expect(inFlight.bytes).toBeGreaterThan(0);
    for (const { stream } of calls) stream.close();
    await expect.poll(() => inFlight.bytes).toBe(0);
  });

  it('is cut off when it does not end its body', async () => {
    const { stream, answer } = call();
    stream.write(framed(Buffer.alloc(50_000), false, 90_000));
    await expect.poll(() => inFlight.bytes).toBe(50_005);
    expect([(await answer).code, inFlight.bytes]).toEqual([3, 0]);
  });

  it('frees everything when it cancels, in its body as well as while it is waited for', async () => {
    const partial = call();
    partial.stream.write(framed(Buffer.alloc(50_000), false, 90_000));
    await expect.poll(() => inFlight.bytes).toBe(50_005);
    partial.stream.close(constants.NGHTTP2_CANCEL);
    await expect.poll(() => inFlight.bytes).toBe(0);
    expect(seen).toEqual([]);
    acknowledge = () => Promise.resolve(OVERLOADED);
    const held = call();
    held.stream.end(framed(Buffer.alloc(1_000)));
    await expect.poll(() => seen.length).toBe(1);
    held.stream.close(constants.NGHTTP2_CANCEL);
    await expect.poll(() => inFlight.bytes).toBe(0);
    expect(seen).toHaveLength(1);
  });

  it('can not keep a call by taking no answer', async () => {
    const narrow = open({ settings: { initialWindowSize: 0 } });
    const { stream, answer } = call({}, narrow);
    stream.end(framed(Buffer.from('x')));
    expect([(await answer).code, narrow.destroyed]).toEqual([-1, true]);
  });

  it('leaves nothing behind when its connection ends', async () => {
    const sockets = (): number => queryObjects(Socket, { format: 'count' });
    const before = sockets();
    for (let count = 0; count < 50; count += 1) {
      const other = open();
      await once(other, 'remoteSettings');
      const { stream, answer } = call({}, other);
      stream.end(framed(Buffer.from('x')));
      await answer;
      other.destroy();
    }
    await expect.poll(sockets).toBeLessThan(before + 10);
  });

  it('has so many connections; further ones are closed at once', async () => {
    const others = Array.from({ length: LIMITS.grpcConnectionsMax }, () => connectSocket(receiver.port, '127.0.0.1'));
    for (const other of others) other.resume().on('error', () => {});
    await expect.poll(() => others.filter(({ destroyed }) => destroyed).length).toBe(1);
    for (const other of others) other.destroy();
    expect((await send(framed(Buffer.from('x')))).code).toBe(0);
  });

  it('has so many calls on a connection, and headers of so many bytes', async () => {
    await new Promise((resolve) => {
      session.once('remoteSettings', resolve);
    });
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 256, maxHeaderListSize: 16_384 });
    expect((await send(framed(Buffer.from('x')), { large: 'x'.repeat(40_000) })).code).toBe(-1);
    expect([(await send(framed(Buffer.from('x')))).code, seen.length]).toEqual([0, 1]);
  });
});

describe('the receiver', () => {
  it('says in a fault that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => {
      other.once('listening', resolve);
    });
    const { port } = other.address() as AddressInfo;
    const second = createReceiver({ port });
    await expect(second.start()).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringContaining(String(port)),
      hint: 'Choose another port with --grpc-port.',
    });
    await second.stop(0);
    other.close();
  });

  it('makes a bug of ours retryable', async () => {
    acknowledge = () => Promise.reject(new Error('bug'));
    expect((await send(framed(Buffer.from('x')))).code).toBe(14);
    expect(errors.splice(0)).toHaveLength(1);
  });

  it('answers what it has taken before it stops, and waits for nothing that it holds back', async () => {
    const { open: release, passed } = gate();
    acknowledge = () => passed;
    const taken = send(framed(Buffer.from('x')));
    await expect.poll(() => seen.length).toBe(1);
    acknowledge = () => Promise.resolve(OVERLOADED);
    const held = send(framed(Buffer.from('y')));
    await expect.poll(() => seen.length).toBe(2);
    const stopped = receiver.stop(10_000);
    release();
    expect([(await taken).code, (await held).code]).toEqual([0, 14]);
    await stopped;
    expect(session.closed).toBe(true);
  });

  it('does not wait for a sender that was told all and never closes its end', async () => {
    const { port } = receiver;
    const stubborn = connectSocket({ port, host: '127.0.0.1', allowHalfOpen: true });
    stubborn.on('error', () => {});
    stubborn.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), NO_SETTINGS]));
    await once(stubborn, 'data');
    const ended = once(stubborn.resume(), 'end');
    // Longer than a test may take.
    await receiver.stop(600_000);
    await ended;
    expect(stubborn.writable).toBe(true);
    stubborn.destroy();
  });

  it('ends at the deadline what does not end by itself', async () => {
    const { stream, answer } = call();
    stream.write(framed(Buffer.alloc(10), false, 20));
    await expect.poll(() => inFlight.bytes).toBe(15);
    const silent = connectSocket(receiver.port, '127.0.0.1');
    silent.on('error', () => {});
    await receiver.stop(50);
    expect((await answer).code).toBe(-1);
    silent.destroy();
  });
});
