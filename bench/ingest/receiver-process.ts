/** The ingest and its receiver as the daemon runs them, in a process of their own; answers questions over IPC. */

import { openIngest } from '../../tests/support/open-ingest.ts';

const [directory] = process.argv.slice(2) as [string];
const { database, port, stop } = await openIngest(directory);

export interface Report {
  readonly calls: number;
  readonly cpuSeconds: number;
  /** Of the thread that runs JavaScript. */
  readonly mainCpuSeconds: number;
  readonly residentMb: number;
  /** Of it, what JavaScript holds, in its heap and in buffers outside of it. */
  readonly heapMb: number;
  readonly buffersMb: number;
  /** And what the embedded engine says that it holds. */
  readonly engineMb: number;
}

async function report(): Promise<Report> {
  const [row] = await database.query<{ calls: string; engine_bytes: string }>(
    `SELECT count() AS calls,
       (SELECT value FROM system.metrics WHERE metric = 'MemoryTracking') AS engine_bytes FROM invocations`,
  );
  const { user, system } = process.cpuUsage();
  const main = process.threadCpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    calls: Number(row?.calls),
    cpuSeconds: (user + system) / 1e6,
    mainCpuSeconds: (main.user + main.system) / 1e6,
    residentMb: rss / 1e6,
    heapMb: heapUsed / 1e6,
    buffersMb: external / 1e6,
    engineMb: Number(row?.engine_bytes) / 1e6,
  };
}

process.on('message', (message) => {
  if (message === 'report') {
    void report().then((answer) => process.send?.(answer));
  } else if (message === 'stop') {
    void stop();
  }
});
// Whoever measured has gone.
process.once('disconnect', () => process.exit(1));
process.send?.({ port });
