/** A trace that can't be settled is put aside, and can be tried again. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ingest } from '../../src/ingest/ingest.ts';
import {
  chatAttributes,
  eventually,
  hexId,
  openStore,
  tracesBody,
  withIngest,
  type OpenStore,
  type TestIngestOptions,
} from './harness.ts';

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

function run(options: TestIngestOptions, work: (ingest: Ingest) => Promise<void>): Promise<void> {
  return withIngest(store.telemetry, options, work);
}

const callsOf = (traceId: string) => async () => (await store.invocations.list({ traceId }, { limit: 100 })).items;
const isThere = (items: readonly unknown[]): boolean => items.length > 0;

it('puts a trace aside that cannot be settled, and goes on with the others', async () => {
  const [bad, good] = [hexId(16), hexId(16)];
  const errors: unknown[] = [];
  const attributes = (model: string) => chatAttributes('s', [], 'x', { 'gen_ai.request.model': model });
  await run(
    {
      onError: (error) => errors.push(error),
      price: ({ requestModel }) => {
        if (requestModel === 'bad') throw new Error('a bug');
        return null;
      },
    },
    async (ingest) => {
      const spans = [bad, good].map((traceId) => ({
        traceId,
        attributes: attributes(traceId === bad ? 'bad' : 'good'),
      }));
      const answer = await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
      expect(answer.outcome).toBe('durable');
      await eventually(callsOf(good), isThere);
      const waiting = await eventually(() => ingest.quarantine.list('waiting', 10), isThere);
      expect(waiting).toMatchObject([
        { kind: 'trace', payload: JSON.stringify([bad]), reason: expect.stringContaining('a bug') },
      ]);
    },
  );
  expect(errors.length).toBeGreaterThan(0);
  await run({}, async (ingest) => {
    const [entry] = await ingest.quarantine.list('waiting', 10);
    await ingest.quarantine.replay(entry?.id ?? '');
    expect(await eventually(callsOf(bad), isThere)).toHaveLength(1);
  });
});
