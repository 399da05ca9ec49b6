import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/contract/store.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { createInvocationLog } from '../../src/store/telemetry/invocation-log.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';
import { incident, time } from '../support/store-samples.ts';

const INCIDENTS = 200;
/** A few go alone, because nothing runs when they come; without sharing it would be one each. */
const STATEMENTS_MAX = 10;

let opened: OpenStore;
let store: Store;
let counted: Database;
let statements = 0;
beforeAll(async () => {
  opened = await openStore();
  const { database } = opened;
  counted = {
    ...database,
    query: (...question) => (statements++, database.query(...question)),
    insertJsonLines: (...rows) => (statements++, database.insertJsonLines(...rows)),
  };
  store = createStore(counted, systemClock);
});
afterAll(() => opened.database.close());

const numbers = Array.from({ length: INCIDENTS }, (_, index) => String(index));
const ofNumber = (number: string) =>
  incident(`id-${number}`, { fingerprint: `print-${number}`, prompt: `p.${number}` });

async function statementsOf(work: (number: string) => Promise<void>): Promise<number> {
  statements = 0;
  await Promise.all(numbers.map(work));
  return statements;
}

describe('what two hundred incidents need of the store at once', () => {
  it('is written together', async () => {
    expect(
      await statementsOf((number) => store.incidents.append(ofNumber(number), 'opened', 'plumbline')),
    ).toBeLessThan(STATEMENTS_MAX);
    expect((await store.incidents.list({}, { limit: 500 })).items).toHaveLength(INCIDENTS);
  });

  it('is looked up together, each with its own answer', async () => {
    const lookedUp = await statementsOf(async (number) => {
      expect(await store.incidents.get(`id-${number}`)).toEqual(ofNumber(number));
      expect(await store.incidents.newestWithFingerprint(`print-${number}`)).toEqual(ofNumber(number));
      expect(await store.incidents.get(`none-${number}`)).toBeNull();
    });
    expect(lookedUp).toBeLessThan(3 * STATEMENTS_MAX);
  });

  it('is looked up together of deliveries', async () => {
    const delivery = (number: string): Delivery => ({
      id: `delivery-${number}`,
      incidentId: `id-${number}`,
      incidentRevision: 1,
      transition: 'opened',
      channel: 'oncall',
      status: 'pending',
      attempts: 0,
      detail: '',
      createdAt: time('01:00:00'),
      updatedAt: time('01:00:00'),
    });
    await Promise.all(numbers.map((number) => store.deliveries.append([delivery(number)])));
    const lookedUp = await statementsOf(async (number) => {
      expect(await store.deliveries.get(`delivery-${number}`)).toEqual(delivery(number));
      expect(await store.deliveries.list(`id-${number}`)).toEqual([delivery(number)]);
      expect(await store.deliveries.list(`none-${number}`)).toEqual([]);
    });
    expect(lookedUp).toBeLessThan(3 * STATEMENTS_MAX);
  });

  it('is counted together, each with its own calls', async () => {
    const started = time('02:00:01');
    const call = { span_id: 'a', started_at: started, environment: 'production', revision: 1, is_deleted: 0 };
    await counted.insert(
      'invocations',
      numbers.flatMap((number) =>
        // As many as its number, up to four.
        Array.from({ length: Number(number) % 5 }, (_, index) => ({
          ...call,
          trace_id: `${number} ${index}`,
          prompt: `p.${number}`,
          version: '2',
          service: index === 0 ? 'web' : 'batch',
        })),
      ),
    );
    const calls = createInvocationLog(counted, store.texts);
    const queries = await statementsOf(async (number) => {
      const question = { prompt: `p.${number}`, environment: 'production' };
      const contents = [{ version: '2', since: time('02:00:00') }];
      const all = Number(number) % 5;
      expect(await calls.affected({ ...question, contents })).toBe(all);
      expect(await calls.affected({ ...question, contents, service: 'web' })).toBe(Math.min(all, 1));
      expect(await calls.affected({ ...question, contents: [{ version: '2', since: time('02:00:02') }] })).toBe(0);
      expect(await calls.affected({ ...question, environment: 'staging', contents })).toBe(0);
    });
    expect(queries).toBeLessThan(8 * STATEMENTS_MAX);
  });
});
