/**
 * The captures of real emitters through the whole ingest: what the store gives back is what settling
 * the same facts in memory gives. Packing, spooling, settling in rounds and unpacking change nothing.
 */

import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import type { Invocation } from '../../src/contract/invocation.ts';
import { settle } from '../../src/invocations/settle.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { factsOf, goldenCases, requestsOf, type WireRequest } from '../dialects/cases.ts';
import { shuffled, splitRequest } from '../dialects/rearrange.ts';
import { seededRandom } from '../support/random.ts';
import { createIngest, eventually, openStore, type OpenStore } from './harness.ts';

const random = seededRandom();

it('gives back every golden case as it is settled in memory, also when all of it comes twice', async () => {
  const store = await openStore();
  const ingest = createIngest(store.telemetry);
  await ingest.start();
  const requests = goldenRequests();
  for (const request of [...requests, ...requests.toReversed()]) await send(ingest, request);
  await ingest.stop(20_000);
  const [stored, expected] = [await storedCalls(store), settle(requests.flatMap(factsOf)).invocations];
  expect(byIdentity(stored)).toEqual(byIdentity(expected));
  expect(stored).toHaveLength(expected.length);
  await store.database.close();
}, 60_000);

it(`gives them back when their spans come to two replicas, seed ${random.seed}`, async () => {
  const store = await openStore();
  const replicas = [0, 1].map(() =>
    createIngest(store.telemetry, { isShared: true, limits: { sightingsMs: 50, retainMs: 500 } }),
  );
  for (const replica of replicas) await replica.start();
  const requests = goldenRequests();
  const expected = settle(requests.flatMap(factsOf)).invocations;
  for (const request of shuffled(requests.flatMap(splitRequest), random.seed))
    await send(replicas[random.below(2)] as Ingest, request);
  // Each settles what it has at once, and again with what the other had.
  await eventually(
    () => storedCalls(store),
    (calls) => isDeepStrictEqual(byIdentity(calls), byIdentity(expected)),
    30_000,
  );
  for (const replica of replicas) await replica.stop(20_000);
  const stored = await storedCalls(store);
  expect(byIdentity(stored)).toEqual(byIdentity(expected));
  expect(stored).toHaveLength(expected.length);
  await store.database.close();
}, 120_000);

function goldenRequests(): readonly WireRequest[] {
  const requests = goldenCases().flatMap((golden) => requestsOf(golden, golden.encodings[0] ?? 'json'));
  expect(requests.length).toBeGreaterThan(100);
  return requests;
}

async function send(ingest: Ingest, { signal, encoding, bytes }: WireRequest): Promise<void> {
  const answer = await ingest.accept({ signal, encoding, body: Buffer.from(bytes) });
  expect(answer).toMatchObject({ outcome: 'durable' });
}

async function storedCalls(store: OpenStore): Promise<readonly Invocation[]> {
  const calls: Invocation[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await store.invocations.list({}, { limit: 500, cursor });
    calls.push(...page.items.map(({ invocation }) => invocation));
    if (page.nextCursor === null) return calls;
    cursor = page.nextCursor;
  }
}

function byIdentity(invocations: readonly Invocation[]): ReadonlyMap<string, Invocation> {
  const entries = invocations.map((call) => [`${call.traceId}/${call.spanId}`, comparable(call)] as const);
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The store keeps money as a number with ten places, and evaluations in any order. */
function comparable(call: Invocation): Invocation {
  const reportedCostUsd = call.reportedCostUsd === null ? null : Number(call.reportedCostUsd).toFixed(8);
  return { ...call, reportedCostUsd };
}
