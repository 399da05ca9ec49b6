/** One replica for `replicas.test.ts`: `replica.ts REDIS_URL NAME`. Prints a line for each tick it runs. */

import { systemClock } from '../../src/lib/time.ts';
import { createQueue } from '../../src/queue/index.ts';

const [, , redis, replica] = process.argv;
const queue = createQueue({ clock: systemClock, redis });

queue.handle('tick', 2, async (job) => {
  const { key, tick } = job.data as { readonly key: string; readonly tick: number };
  process.stdout.write(`${JSON.stringify({ replica, key, tick })}\n`);
});
for (const key of ['a', 'b', 'c', 'd', 'e']) queue.every('tick', key, 1_000, { key });
await queue.start();

// Nothing else keeps it: it ends when the queue has let go of all that it had.
process.once('SIGTERM', () => void queue.stop(2_000));
