/**
 * Bodies are gathered, inflated and read in memory that goes from one request to the next: nothing of
 * one sender may ever stand in a call of another, whatever happens in between. SEED repeats a run.
 */

import { connect, constants } from 'node:http2';
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { OtlpGrpcReceiver } from '../../collectors/otlp/grpc.ts';
import { ThreadedHttpReceiver } from '../../collectors/otlp/http-in-thread.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import type { TelemetryRequest } from '../../src/contract/telemetry.ts';
import { field, message, pair, request } from '../otlp/encode.ts';
import { seededRandom } from '../support/random.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore } from './harness.ts';

const CALLS = 200;
const AT_ONCE = 12;
const ENCODINGS = {
  identity: (body: Buffer) => body,
  gzip: gzipSync,
  deflate: deflateSync,
  zstd: zstdCompressSync,
} as const;
const NAMES = Object.keys(ENCODINGS) as (keyof typeof ENCODINGS)[];

const random = seededRandom();

it.each([
  ['here', false],
  ['in a thread of its own', true],
])(`keeps the texts of senders apart, read %s, seed ${random.seed}`, async (_, hasDraftingThread) => {
  const store = await openStore();
  const ingest = createIngest(store.telemetry, { hasDraftingThread });
  await ingest.start();
  const errors: unknown[] = [];
  const inFlight = new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax);
  const options = {
    host: '127.0.0.1',
    port: 0,
    // As under load: others come and go before a body is read.
    accept: async (telemetry: TelemetryRequest) => {
      await sleep(random.below(10));
      return ingest.accept(telemetry);
    },
    authorize: () => 'allowed' as const,
    limits: DEFAULT_OTLP_LIMITS,
    inFlight,
    onError: (error: unknown) => errors.push(error),
  };
  const http = new ThreadedHttpReceiver(options);
  const grpc = new OtlpGrpcReceiver(options);
  await http.start();
  await grpc.start();
  const session = connect(`http://127.0.0.1:${grpc.port}`);

  let sent = 0;
  const delivered = new Map<string, string>();
  const wrong: string[] = [];
  const sender = async (): Promise<void> => {
    while (sent++ < CALLS) {
      const mark = `${sent}.${random.below(1e9)} `;
      const traceId = hexId(16);
      const encoding = NAMES[random.below(NAMES.length)] ?? 'identity';
      const whole = ENCODINGS[encoding](bodyOf(traceId, mark));
      // Some are cut off, some go away in the middle.
      const fate = (['whole', 'whole', 'cut', 'gone'] as const)[random.below(4)] ?? 'whole';
      const body = fate === 'whole' ? whole : whole.subarray(0, random.below(whole.length));
      const isSent = random.below(2) === 0 ? overHttp : overGrpc;
      if (await isSent(body, encoding, fate === 'gone')) delivered.set(traceId, mark);
      else if (fate === 'whole') wrong.push(`${mark}was refused`);
    }
  };
  const overHttp = (body: Buffer, encoding: string, isGone: boolean): Promise<boolean> =>
    new Promise((resolve) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': encoding };
      const outgoing = httpRequest({ port: http.port, path: '/v1/traces', method: 'POST', headers }, (response) => {
        response.resume().once('close', () => resolve(response.statusCode === 200 && body.length > 0));
      });
      outgoing.on('error', () => resolve(false));
      if (isGone) outgoing.write(body, () => outgoing.destroy(new Error('gone')));
      else outgoing.end(body);
    });
  const overGrpc = (body: Buffer, encoding: string, isGone: boolean): Promise<boolean> =>
    new Promise((resolve) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        'content-type': 'application/grpc',
        'grpc-encoding': encoding,
      });
      let status = '';
      stream.on('error', () => {});
      stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'])));
      stream.once('close', () => resolve(status === '0' && body.length > 0));
      stream.resume();
      const prefix = Buffer.alloc(5);
      prefix[0] = encoding === 'identity' ? 0 : 1;
      prefix.writeUInt32BE(body.length, 1);
      if (isGone) stream.write(Buffer.concat([prefix, body]), () => stream.close(constants.NGHTTP2_CANCEL));
      else stream.end(Buffer.concat([prefix, body]));
    });
  await Promise.all(Array.from({ length: AT_ONCE }, sender));

  for (const [traceId, mark] of delivered) {
    const { items } = await eventually(
      () => store.invocations.list({ traceId }, { limit: 2 }),
      (page) => page.items.length > 0,
    );
    const { input, output } = items[0]?.invocation ?? {};
    const parts = [...(input ?? []), ...(output ?? [])].flatMap((turn) => turn.parts);
    const texts = parts.map((part) => ('text' in part ? part.text : ''));
    const isRight = texts.length === 3 && texts.every((text) => text.replaceAll(mark, '') === '' && text !== '');
    if (!isRight || items.length !== 1) wrong.push(`${mark}: ${JSON.stringify(texts).slice(0, 300)}`);
  }
  expect(wrong).toEqual([]);
  expect(errors).toEqual([]);
  await expect.poll(() => inFlight.bytes).toBe(0);
  session.destroy();
  await http.stop(1_000);
  await grpc.stop(1_000);
  await ingest.stop(5_000);
  await store.database.close();
});

/** One call whose texts are `mark`, again and again. */
function bodyOf(traceId: string, mark: string): Buffer {
  const text = (): string => mark.repeat(1 + random.below(3_000));
  const attributes = chatAttributes(text(), [{ role: 'user', text: text() }], text());
  const now = BigInt(Date.now() - 1_000) * 1_000_000n;
  const identity = [field(1, Buffer.from(traceId, 'hex')), field(2, Buffer.from(hexId(8), 'hex'))];
  const times = [field(7, now), field(8, now + 5_000_000n)];
  const pairs = Object.entries(attributes).map(([key, value]) =>
    field(9, pair(key, typeof value === 'number' ? field(3, value) : field(1, value))),
  );
  return request(message(...identity, field(5, 'chat'), ...times, ...pairs));
}
