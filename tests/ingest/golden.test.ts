/**
 * The captures of real emitters through the whole ingest: what the store gives back is what settling
 * the same facts in memory gives. Packing, spooling, settling in rounds and unpacking change nothing.
 */

import { expect, it } from 'vitest';
import type { Invocation } from '../../src/contract/invocation.ts';
import { settle } from '../../src/invocations/settle.ts';
import { factsOf, goldenCases, requestsOf } from '../dialects/cases.ts';
import { createIngest, eventually, openStore } from './harness.ts';

it('gives back every golden case as it is settled in memory, also when all of it comes twice', async () => {
  const store = await openStore();
  const ingest = createIngest(store.telemetry);
  await ingest.start();
  const requests = goldenCases().flatMap((golden) => requestsOf(golden, golden.encodings[0] ?? 'json'));
  expect(requests.length).toBeGreaterThan(100);
  for (const request of [...requests, ...requests.toReversed()]) {
    const { signal, encoding, bytes } = request;
    const answer = await ingest.accept({ signal, encoding, body: Buffer.from(bytes) });
    expect(answer).toMatchObject({ outcome: 'durable' });
  }
  await ingest.stop(20_000);

  const expected = byIdentity(settle(requests.flatMap(factsOf)).invocations);
  const seen: Invocation[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await store.invocations.list({}, { limit: 500, cursor });
    seen.push(...page.items.map(({ invocation }) => invocation));
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  await store.database.close();
  expect([...byIdentity(seen).keys()]).toEqual([...expected.keys()]);
  for (const [id, invocation] of byIdentity(seen)) expect(invocation).toEqual(expected.get(id));
  expect(
    await eventually(
      () => Promise.resolve(seen.length),
      () => true,
    ),
  ).toBe(expected.size);
}, 60_000);

function byIdentity(invocations: readonly Invocation[]): ReadonlyMap<string, Invocation> {
  const entries = invocations.map((call) => [`${call.traceId}/${call.spanId}`, comparable(call)] as const);
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The store keeps money as a number with ten places, and evaluations in any order. */
function comparable(call: Invocation): Invocation {
  const reportedCostUsd = call.reportedCostUsd === null ? null : Number(call.reportedCostUsd).toFixed(8);
  return { ...call, reportedCostUsd };
}
