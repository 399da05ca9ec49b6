/** Whoever may read can't make the daemon's memory grow by asking in one time zone after the other. */

import { expect, test } from 'vitest';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { ZonesInUse } from '../../src/store/zones-in-use.ts';
import { openStore } from '../ingest/harness.ts';

const ZONES = Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC');

test('so many may be used, those again, and no others', () => {
  const zones = new ZonesInUse();
  expect(zones.refusal(ZONES.slice(0, 20))).toBeNull();
  // All of them or none.
  expect(zones.refusal(ZONES.slice(18, 25))?.hint).toContain(ZONES[19]);
  expect(zones.refusal(ZONES.slice(18, 24))).toBeNull();
  expect(zones.refusal(ZONES.slice(0, 24))).toBeNull();
  expect(zones.refusal([])).toBeNull();
  expect(zones.refusal([ZONES[24] ?? ''])?.message).toContain('until the daemon is restarted');
});

test('usage by days is told in so many zones, and says which are in use when somebody asks for another', async () => {
  const { database, invocations } = await openStore();
  const to = systemClock.now();
  const ask = (timeZone: string, by: 'day' | 'prompt' = 'day') =>
    invocations.usage({ groupBy: [by], from: addMillis(to, -3_600_000), to, timeZone });
  for (const zone of ZONES.slice(0, 24)) expect(await ask(zone)).toEqual([]);
  await expect(ask(ZONES[24] ?? '')).rejects.toMatchObject({
    field: 'timezone',
    hint: expect.stringContaining(ZONES[3] ?? ''),
  });
  expect(await ask(ZONES[0] ?? '')).toEqual([]);
  expect(await ask('UTC')).toEqual([]);
  // Without days there is no zone in the question.
  expect(await ask(ZONES[30] ?? '', 'prompt')).toEqual([]);
  await database.close();
});
