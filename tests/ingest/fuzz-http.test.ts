/** Mutated bodies of real emitters over HTTP: every answer is one that OTLP allows, and the daemon goes on. */

import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { OtlpHttpReceiver } from '../../collectors/otlp/http.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import { goldenCases, requestsOf } from '../dialects/cases.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore, tracesBody } from './harness.ts';

const SEED = Date.now() % 1_000_000;
const BODIES = 1_500;
const ALLOWED = new Set([200, 400, 413, 429, 502, 503, 504]);

function randomFrom(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Flips, cuts, repeats and inserts bytes. */
function mutate(body: Buffer, random: () => number): Buffer {
  let mutated = Buffer.from(body);
  const place = (): number => Math.floor(random() * mutated.length);
  for (let change = Math.floor(random() * 2) + 1; change > 0 && mutated.length > 0; change -= 1) {
    const kind = Math.floor(random() ** 0.7 * 3.9);
    if (kind === 0) mutated[place()] = Math.floor(random() * 256);
    else if (kind === 1) mutated = mutated.subarray(0, place());
    else if (kind === 2) mutated = Buffer.concat([mutated.subarray(0, place()), mutated.subarray(place())]);
    else {
      const at = place();
      const noise = Buffer.from(Array.from({ length: 5 }, () => Math.floor(random() * 256)));
      mutated = Buffer.concat([mutated.subarray(0, at), noise, mutated.subarray(at)]);
    }
  }
  return mutated;
}

it(`survives mutated bodies, seed ${SEED}`, { timeout: 60_000 }, async () => {
  const random = randomFrom(SEED);
  const store = await openStore();
  const errors: unknown[] = [];
  const ingest = createIngest(store.telemetry, { onError: (error) => errors.push(error) });
  await ingest.start();
  const inFlight = new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax);
  const receiver = new OtlpHttpReceiver({
    host: '127.0.0.1',
    port: 0,
    accept: ingest.accept,
    authorize: () => 'allowed',
    limits: DEFAULT_OTLP_LIMITS,
    inFlight,
    onError: (error) => errors.push(error),
  });
  await receiver.start();
  const originals = goldenCases().flatMap((golden) =>
    golden.encodings.flatMap((encoding) => requestsOf(golden, encoding)),
  );
  const statuses = new Map<number, number>();
  for (let index = 0; index < BODIES; index += 1) {
    const original = originals[Math.floor(random() * originals.length)] as (typeof originals)[number];
    const body = mutate(Buffer.from(original.bytes), random);
    const compression = Math.floor(random() * 4);
    const encoded = compression === 0 ? gzipSync(body) : compression === 1 ? zstdCompressSync(body) : body;
    const sent = compression < 2 && random() < 0.2 ? mutate(encoded, random) : encoded;
    const response = await fetch(`http://127.0.0.1:${receiver.port}/v1/${original.signal}`, {
      method: 'POST',
      headers: {
        'content-type': original.encoding === 'json' ? 'application/json' : 'application/x-protobuf',
        ...(compression < 2 && { 'content-encoding': compression === 0 ? 'gzip' : 'zstd' }),
      },
      body: new Uint8Array(sent),
    });
    await response.arrayBuffer();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  }
  console.log(SEED, Object.fromEntries(statuses));
  expect([...statuses.keys()].filter((status) => !ALLOWED.has(status))).toEqual([]);
  expect([statuses.get(200), statuses.get(400)].every((count) => (count ?? 0) > BODIES / 20)).toBe(true);
  expect(errors).toEqual([]);

  const traceId = hexId(16);
  const good = tracesBody([{ traceId, attributes: chatAttributes('s', [{ role: 'user', text: 'x' }], 'y') }]);
  await ingest.accept({ signal: 'traces', encoding: 'json', body: good });
  const page = await eventually(
    () => store.invocations.list({ traceId }, { limit: 1 }),
    ({ items }) => items.length > 0,
  );
  expect(page.items).toHaveLength(1);
  expect(await ingest.quarantine.list('any', 10)).toEqual([]);
  expect(inFlight.bytes).toBe(0);
  await receiver.stop(1_000);
  await ingest.stop(5_000);
  await store.database.close();
});
