/** What the API says of outputs: the changed ones first, and examples with their texts for one prompt. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OutputOf } from '../../src/contract/output-log.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { HttpServer } from '../../src/http/server.ts';
import { changedStatus, EXAMPLE_TEXTS, learningStatus, watchingStatus } from '../support/output-statuses.ts';
import { wholeServer } from '../support/whole-server.ts';

const STATUSES = [
  learningStatus({ version: '9', environment: 'staging' }),
  watchingStatus({ version: '2' }),
  watchingStatus({ prompt: 'another' }),
  changedStatus({ prompt: 'other' }),
  changedStatus(),
];

let server: HttpServer;
let askedFor: readonly OutputOf[] = [];
beforeAll(async () => {
  server = wholeServer(
    {
      now: () => systemClock.now(),
      outputs: {
        statuses: async () => STATUSES,
        texts: async (outputs) => {
          askedFor = outputs;
          return outputs.map((output) => ({ ...output, text: EXAMPLE_TEXTS.get(output.traceId) ?? null }));
        },
        alarmAtLog10Score: 5.857,
      },
    },
    { host: '127.0.0.1', port: 0, keys: [], publicUrl: null, version: '1', onBug: () => undefined },
  );
  await server.start();
});
afterAll(() => server.stop(1_000));

async function ask(query = ''): Promise<any> {
  return await (await fetch(`${server.address}/api/v1/outputs${query}`)).json();
}

test('the changed ones come first, then by prompt', async () => {
  const { data, next_cursor } = await ask();
  expect(data.map((row: any) => [row.prompt, row.version, row.state])).toEqual([
    ['greeting', '1', 'changed'],
    ['other', '1', 'changed'],
    ['another', '1', 'watching'],
    ['greeting', '2', 'watching'],
    ['greeting', '9', 'learning'],
  ]);
  expect(next_cursor).toBeNull();
  expect(data[0].change.examples_since).toEqual([
    { trace_id: expect.any(String), span_id: expect.any(String), started_at: '2026-11-30T23:30:00.000000000Z' },
  ]);
  expect(askedFor).toEqual([]);
});

test('of one prompt examples have their texts, or say that these are not kept', async () => {
  const { data } = await ask('?prompt=greeting&state=changed');
  expect(data).toMatchObject([
    {
      environment: 'production',
      model: 'gpt-5',
      learning: null,
      baseline: { outputs: 812, made_at: '2026-11-27T00:10:00.000000000Z' },
      log10_score: 9.25,
      alarm_at_log10_score: 5.857,
      change: {
        between: ['2026-11-30T22:00:00.000000000Z', '2026-11-30T23:00:00.000000000Z'],
        features: [
          { words: 'length in characters', before: '821', now: '4', log10_factor: 8.5, window_hours: 4 },
          { words: 'wording', before: '', now: '' },
        ],
        inputs_changed: true,
        examples_before: [{ text: expect.stringContaining('explanation') }, { text: null }],
        examples_since: [{ text: 'Yes.\u202E' }],
      },
    },
  ]);
  expect(askedFor).toHaveLength(3);
});

test('may be asked for by environment and state; what is no state is a bad request', async () => {
  const [learning] = (await ask('?environment=staging')).data;
  expect(learning).toMatchObject({ version: '9', learning: { outputs: 210, outputs_needed: 300 }, change: null });
  expect((await ask('?prompt=none')).data).toEqual([]);
  const refused = await ask('?state=odd');
  expect([refused.status, refused.errors?.[0]?.field]).toEqual([400, 'state']);
});
