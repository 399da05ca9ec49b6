import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import { ThreadedHttpReceiver, type ThreadedHttpOptions } from '../../collectors/otlp/http-in-thread.ts';
import { OtlpHttpReceiver } from '../../collectors/otlp/http.ts';
import type { Acknowledgement, TelemetryRequest } from '../../src/contract/telemetry.ts';

const LIMITS = { ...DEFAULT_OTLP_LIMITS, bodyBytesMax: 100_000, inFlightBytesMax: 400_000, retryAfterMs: 1_500 };
const DURABLE: Acknowledgement = { outcome: 'durable', rejected: 0, message: '' };

const seen: TelemetryRequest[] = [];
const errors: unknown[] = [];
let acknowledge: () => Promise<Acknowledgement> = () => Promise.resolve(DURABLE);
const inFlight = new InFlight(LIMITS.inFlightBytesMax);
const OPTIONS: ThreadedHttpOptions = {
  host: '127.0.0.1',
  port: 0,
  accept: ({ body, ...telemetry }) => {
    // Its memory is used again.
    seen.push({ ...telemetry, body: Buffer.from(body) });
    return acknowledge();
  },
  authorize: ({ authorization }) =>
    authorization === 'Bearer no-scope'
      ? 'forbidden'
      : authorization === 'Bearer wrong'
        ? 'unauthenticated'
        : 'allowed',
  limits: LIMITS,
  inFlight,
  onError: (error) => errors.push(error),
};
let receiver: OtlpHttpReceiver | ThreadedHttpReceiver;

beforeEach(() => {
  seen.length = 0;
  errors.length = 0;
  acknowledge = () => Promise.resolve(DURABLE);
});

function post(path: string, body: Buffer | string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${receiver.port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
}

describe.each([
  ['in the thread that reads it', OtlpHttpReceiver],
  ['in a thread of its own', ThreadedHttpReceiver],
])('OTLP over HTTP, received %s,', (_where, Receiver) => {
  beforeAll(async () => {
    receiver = new Receiver(OPTIONS);
    await receiver.start();
  });
  afterAll(() => receiver.stop(1_000));

  it.each([
    ['/v1/traces', 'traces'],
    ['/v1/logs', 'logs'],
    ['/api/public/otel/v1/traces', 'traces'],
    ['/v1/traces/', 'traces'],
  ])('takes %s as %s', async (path, signal) => {
    const response = await post(path, '{}');
    expect([response.status, await response.text()]).toEqual([200, '{}']);
    expect(seen[0]).toMatchObject({ signal, encoding: 'json' });
  });

  it('keeps connections open for longer than senders and proxies pause between two requests', async () => {
    const response = await post('/v1/traces', '{}');
    const seconds = /timeout=(\d+)/.exec(response.headers.get('keep-alive') ?? '')?.[1];
    expect(Number(seconds)).toBeGreaterThan(60);
  });

  it('accepts metrics and drops them', async () => {
    const response = await post('/v1/metrics', 'anything', { 'content-type': 'application/x-protobuf' });
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
    expect(seen).toEqual([]);
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
  ] as const)('inflates %s', async (encoding, compress) => {
    const body = Buffer.from(JSON.stringify({ text: 'abc'.repeat(1_000) }));
    const response = await post('/v1/traces', compress(body), { 'content-encoding': encoding });
    expect(response.status).toBe(200);
    expect(seen[0]?.body.equals(body)).toBe(true);
  });

  it('reads chunked bodies without a length', async () => {
    const status = await new Promise((resolve, reject) => {
      const outgoing = request(
        { port: receiver.port, path: '/v1/traces', method: 'POST', headers: { 'content-type': 'application/json' } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      outgoing.on('error', reject);
      outgoing.write('{"a":');
      setTimeout(() => outgoing.end('1}'), 20);
    });
    expect(status).toBe(200);
    expect(seen[0]?.body.toString()).toBe('{"a":1}');
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ] as const)('refuses a decompression bomb of %s with 413', async (encoding, compress) => {
    const bomb = compress(Buffer.alloc(20_000_000));
    expect(bomb.length).toBeLessThan(LIMITS.bodyBytesMax);
    const response = await post('/v1/traces', bomb, { 'content-encoding': encoding });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 8, message: expect.stringContaining('100000 bytes') });
    expect(seen).toEqual([]);
  });

  it('refuses a body that is too long with 413, with and without a length', async () => {
    const body = Buffer.alloc(LIMITS.bodyBytesMax + 1);
    expect((await post('/v1/traces', body)).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let chunk = 0; chunk < 11; chunk += 1) controller.enqueue(new Uint8Array(10_000));
        controller.close();
      },
    });
    const init = { body: stream, duplex: 'half', method: 'POST', headers: { 'content-type': 'application/json' } };
    const chunked = await fetch(`http://127.0.0.1:${receiver.port}/v1/traces`, init);
    expect(chunked.status).toBe(413);
  });

  it('tells also a sender that reads no answer before it has sent all of its body', async () => {
    const length = 20_000_000;
    const socket = connect(receiver.port, '127.0.0.1').pause();
    socket.write(`POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
    socket.write(Buffer.alloc(length));
    await once(socket, 'drain');
    expect((await buffer(socket)).toString('latin1')).toMatch(/^HTTP\/1\.1 413 [^]*100000 bytes/);
  });

  it('reads all frames of a zstd body, and refuses what is none', async () => {
    const skippable = Buffer.from('502a4d1803000000616263', 'hex');
    const frames = Buffer.concat([skippable, zstdCompressSync('{"a":'), skippable, zstdCompressSync('1}')]);
    expect((await post('/v1/traces', frames, { 'content-encoding': 'zstd' })).status).toBe(200);
    expect(seen.map(({ body }) => String(body))).toEqual(['{"a":1}']);
    for (const wrong of [frames.subarray(0, -1), Buffer.concat([frames, Buffer.from('noise')])])
      expect((await post('/v1/traces', wrong, { 'content-encoding': 'zstd' })).status).toBe(400);
    const frame = zstdCompressSync('1');
    const many = Buffer.concat(Array.from({ length: 1_001 }, () => frame));
    expect((await post('/v1/traces', many, { 'content-encoding': 'zstd' })).status).toBe(400);
    const bombs = Buffer.concat([zstdCompressSync(Buffer.alloc(60_000)), zstdCompressSync(Buffer.alloc(60_000))]);
    expect((await post('/v1/traces', bombs, { 'content-encoding': 'zstd' })).status).toBe(413);
    expect(seen).toHaveLength(1);
  });

  it('waits for no connection on which nothing has come when it stops', async () => {
    const other = new Receiver(OPTIONS);
    await other.start();
    const socket = connect(other.port, '127.0.0.1').resume();
    socket.on('error', () => {});
    await once(socket, 'connect');
    // So that it has been accepted, too.
    await fetch(`http://127.0.0.1:${other.port}/v1/traces`, { method: 'POST', body: '' });
    const startedMs = performance.now();
    await other.stop(5_000);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  it.each([
    ['broken gzip', { 'content-encoding': 'gzip' }, 400],
    ['an unknown encoding', { 'content-encoding': 'br' }, 415],
    ['an unknown media type', { 'content-type': 'text/plain' }, 415],
    ['a wrong key', { authorization: 'Bearer wrong' }, 401],
    ['a key without the scope', { authorization: 'Bearer no-scope' }, 403],
  ])('answers %s with a status body', async (_name, headers, status) => {
    const response = await post('/v1/traces', 'not gzip', headers);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code: expect.any(Number), message: expect.any(String) });
  });

  it('takes what a web page with a key sends, and nothing of one without', async () => {
    const origin = 'https://app.example.com';
    expect((await post('/v1/traces', '{}', { origin })).status).toBe(403);
    expect(seen).toEqual([]);
    expect((await post('/v1/traces', '{}', { origin, authorization: 'Bearer right' })).status).toBe(200);
    expect(seen).toHaveLength(1);
  });

  it('answers in the encoding of the request', async () => {
    acknowledge = () => Promise.resolve({ outcome: 'undecodable', reason: 'malformed', message: 'no' });
    const response = await post('/v1/traces', '\u0001', { 'content-type': 'application/x-protobuf' });
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/x-protobuf']);
    // google.rpc.Status { code: 3, message: "no" }
    expect(Buffer.from(await response.arrayBuffer()).toString('hex')).toBe('080312026e6f');
  });

  it('tells how many were rejected, which the sender must not send again', async () => {
    acknowledge = () => Promise.resolve({ outcome: 'durable', rejected: 2, message: 'two had no id' });
    const response = await post('/v1/logs', '{}');
    expect([response.status, await response.json()]).toEqual([
      200,
      { partialSuccess: { rejectedLogRecords: '2', errorMessage: 'two had no id' } },
    ]);
  });

  it('says 503 and when to come back', async () => {
    acknowledge = () => Promise.resolve({ outcome: 'overloaded', retryAfterMs: 2_400, message: 'full' });
    const response = await post('/v1/traces', '{}');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3']);
    expect(await response.json()).toMatchObject({ code: 14, details: [{ retryDelay: '2.4s' }] });
  });

  it('makes a bug of ours retryable', async () => {
    acknowledge = () => Promise.reject(new Error('bug'));
    expect((await post('/v1/traces', '{}')).status).toBe(503);
    expect(errors).toHaveLength(1);
  });

  it('refuses when too much is in flight, and gives back what it took', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    acknowledge = () => gate.then(() => DURABLE);
    const waiting = Array.from({ length: 8 }, () => post('/v1/traces', Buffer.alloc(90_000)));
    const refused = await Promise.race(waiting);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    release();
    const statuses = (await Promise.all(waiting)).map((response) => response.status);
    expect(statuses).toContain(200);
    await expect.poll(() => inFlight.bytes).toBe(0);
  });

  it('knows no other path and no other method', async () => {
    expect((await post('/v2/traces', '{}')).status).toBe(404);
    const get = await fetch(`http://127.0.0.1:${receiver.port}/v1/traces`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('survives a sender that goes away in the middle of a body', async () => {
    await new Promise<void>((resolve) => {
      const outgoing = request({
        port: receiver.port,
        path: '/v1/traces',
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': '1000' },
      });
      outgoing.on('error', () => resolve());
      outgoing.write('{"a":');
      setTimeout(() => outgoing.destroy(new Error('gone')), 30);
    });
    expect((await post('/v1/traces', '{}')).status).toBe(200);
    await expect.poll(() => inFlight.bytes).toBe(0);
    expect(errors).toEqual([]);
  });
});
