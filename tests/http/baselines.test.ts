/** What the API says of declared baselines: those that are off first, and nothing of what is declared no more. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/lib/time.ts';
import { acceptedStatus, offStatus, withinStatus } from '../support/baseline-statuses.ts';
import { version } from '../support/prompts.ts';
import { wholeServer } from '../support/whole-server.ts';

const STATUSES = [
  withinStatus(),
  acceptedStatus({ environment: 'staging' }),
  offStatus({ prompt: 'other' }),
  { ...withinStatus({ version: '2' }), declared: 0.004 },
  withinStatus({ prompt: 'gone' }),
];
const metrics = { cost_per_call_usd: 0.003 };

let server: HttpServer;
beforeAll(async () => {
  const versions = [
    version('3', 'Be brief.', { prompt: 'greeting', metrics }),
    // Something else is declared than was judged.
    version('2', 'Be short.', { prompt: 'greeting', metrics }),
    version('3', 'Be long.', { prompt: 'other', metrics }),
    version('3', 'Be gone.', { prompt: 'gone' }),
  ];
  server = wholeServer(
    {
      now: () => systemClock.now(),
      registry: () => ({ versions, pins: [] }),
      baselines: { statuses: async () => STATUSES },
    },
    { host: '127.0.0.1', port: 0, keys: [], publicUrl: null, version: '1', onBug: () => undefined },
  );
  await server.start();
});
afterAll(() => server.stop(1_000));

async function ask(query = ''): Promise<any> {
  return await (await fetch(`${server.address}/api/v1/baselines${query}`)).json();
}

test('those that are off come first, and what is declared no more is left out', async () => {
  const { data, next_cursor } = await ask();
  expect(data.map((row: any) => [row.prompt, row.environment, row.version, row.state])).toEqual([
    ['other', 'production', '3', 'off'],
    ['greeting', 'production', '3', 'within'],
    ['greeting', 'staging', '3', 'accepted'],
  ]);
  expect(next_cursor).toBeNull();
  expect(data[0]).toEqual({
    environment: 'production',
    prompt: 'other',
    version: '3',
    metric: 'cost_per_call_usd',
    declared: 0.003,
    state: 'off',
    measured: { mean: 0.00621, of: 1_240, margin: 0.0002 },
    was_within: true,
    at: '2026-12-01T03:10:00.000000000Z',
    until: '2026-12-01T03:00:00.000000000Z',
    change: {
      between: ['2026-11-30T01:00:00.000000000Z', '2026-11-30T03:00:00.000000000Z'],
      since_hour: '2026-11-30T02:00:00.000000000Z',
      noticed_at: '2026-12-01T03:10:00.000000000Z',
      measured: { mean: 0.00621, of: 1_240, margin: 0.0002 },
      beyond: 0.00452,
      calls_a_day: 1_190.4,
      was_within: true,
      accepted_at: null,
      calls_before: expect.objectContaining({
        input_tokens_of_call: 812.4,
        models: [{ model: 'gpt-5-mini', calls: 8_000 }],
      }),
      calls_since: expect.objectContaining({ calls: 1_260, errors: 12, unpriced_calls: 20, cached_share: 0.1 }),
    },
  });
});

test('they are chosen by prompt, environment and state, and paged', async () => {
  expect((await ask('?prompt=greeting&environment=staging')).data).toMatchObject([{ state: 'accepted' }]);
  expect((await ask('?state=off')).data).toMatchObject([{ prompt: 'other' }]);
  const first = await ask('?limit=2');
  const second = await ask(`?limit=2&cursor=${first.next_cursor}`);
  expect([first.data.length, second.data.length, second.next_cursor]).toEqual([2, 1, null]);
  const wrong = await fetch(`${server.address}/api/v1/baselines?state=good`);
  expect([wrong.status, (await wrong.json()).errors]).toEqual([400, [expect.objectContaining({ field: 'state' })]]);
});
