/** How often traffic is looked at, where the store takes its time. */

import { expect, test } from 'vitest';
import { onSchedule } from '../../src/daemon/scheduled-look.ts';
import { TrafficWatch } from '../../src/daemon/traffic/traffic-watch.ts';
import type { Log } from '../../src/observability/log.ts';
import { createInvocationLog } from '../../src/store/telemetry/invocation-log.ts';
import { createTrafficLog } from '../../src/store/telemetry/traffic-log.ts';
import { createVariableLog } from '../../src/store/telemetry/variable-log.ts';
import { HandClock } from '../support/sources/hand-clock.ts';
import { HandQueue } from '../support/sources/hand-queue.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { openTestStore, TestRegistry } from './setup.ts';

test('traffic that takes the store long to read is looked at less often, and the log says so once', async () => {
  const { database, store } = await openTestStore(tempDirectory());
  const clock = new HandClock();
  const queue = new HandQueue();
  const registry = new TestRegistry([], []);
  const told: unknown[] = [];
  const looks: number[] = [];
  let storeTakesMs = 20_000;
  const trafficLog = createTrafficLog(database);
  const look = new TrafficWatch({
    traffic: {
      ...trafficLog,
      traffic: async (...window) => {
        looks.push(clock.monotonicMs());
        clock.advance(storeTakesMs);
        return await trafficLog.traffic(...window);
      },
    },
    calls: createInvocationLog(database, store.texts),
    variables: createVariableLog(database),
    incidents: store.incidents,
    clock,
    // Of a log nothing else is needed here.
    log: { info: (fields: object, words: string) => told.push({ ...fields, words }) } as unknown as Log,
    registry: () => registry.view,
    attribute: registry.desk.attribute.bind(registry.desk),
    near: registry.desk.near.bind(registry.desk),
    onFindings: () => Promise.resolve(),
    retireUncalled: () => Promise.resolve(),
  });
  const watch = onSchedule(queue, look);
  await watch.start();
  const halfMinutes = async (number: number): Promise<void> => {
    for (let tick = 0; tick < number; tick += 1) {
      const startMs = clock.monotonicMs();
      await queue.tick('judge-traffic:all');
      clock.advance(Math.max(0, 30_000 - (clock.monotonicMs() - startMs)));
    }
  };
  const begin = clock.monotonicMs();
  await halfMinutes(20);
  expect(looks.map((at) => (at - begin) / 1_000)).toEqual([0, 210, 420]);
  expect(told).toEqual([
    { took: '20s', every: '3m 20s', words: 'there is so much traffic that it is judged less often' },
  ]);

  storeTakesMs = 100;
  looks.length = 0;
  await halfMinutes(4);
  expect(looks).toHaveLength(3);
  await watch.stop(0);
  await database.close();
});
