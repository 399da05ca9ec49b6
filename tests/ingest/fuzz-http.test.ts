/**
 * Broken requests made from captures, over HTTP: every answer is one that OTLP allows, and the
 * daemon goes on. SEED repeats a run; `npm run bench -- otlp-fuzz --bodies 1000000` does many.
 */

import { Agent } from 'node:http';
import { expect, it } from 'vitest';
import { OtlpHttpReceiver } from '../../collectors/otlp/http.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import { seededRandom } from '../support/random.ts';
import { fuzzRequests, sendFuzz, wrongAnswer } from './fuzz-requests.ts';
import { chatAttributes, createIngest, eventually, hexId, openStore, tracesBody } from './harness.ts';

const { seed } = seededRandom();
const BODIES = 2_000;
const CONNECTIONS = 4;

it(`survives ${BODIES} broken requests, seed ${seed}`, async () => {
  console.log(`SEED=${seed}`);
  const store = await openStore();
  const errors: unknown[] = [];
  const ingest = createIngest(store.telemetry, {
    onError: (error) => errors.push(error),
    onTrouble: (problem) => errors.push(problem),
  });
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
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const make = fuzzRequests();
  const statuses = new Map<number, number>();
  const wrong: string[] = [];
  let at = 0;
  const sender = async (): Promise<void> => {
    while (at < BODIES) {
      const request = make(seed + at++);
      const answer = await sendFuzz(agent, receiver.port, request);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const fault = wrongAnswer(request, answer);
      if (fault !== null) wrong.push(`seed ${request.seed}, made from ${request.madeFrom}: ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  agent.destroy();
  expect(wrong).toEqual([]);
  // Both happen, or the mutations have become too weak or too strong to tell anything.
  expect([statuses.get(200), statuses.get(400)].every((count) => (count ?? 0) > BODIES / 10)).toBe(true);

  const traceId = hexId(16);
  const good = tracesBody([{ traceId, attributes: chatAttributes('s', [{ role: 'user', text: 'x' }], 'y') }]);
  await ingest.accept({ signal: 'traces', encoding: 'json', body: good });
  const page = await eventually(
    () => store.invocations.list({ traceId }, { limit: 1 }),
    ({ items }) => items.length > 0,
  );
  expect(page.items).toHaveLength(1);
  expect(await ingest.quarantine.list('any', 10)).toEqual([]);
  expect(errors).toEqual([]);
  expect(inFlight.bytes).toBe(0);
  await receiver.stop(1_000);
  await ingest.stop(5_000);
  await store.database.close();
});
