/** The ingest and its receiver as the daemon runs them, in a process of their own; answers questions over IPC. */

import { join } from 'node:path';
import { OtlpHttpReceiver } from '../../collectors/otlp/http.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import { KEEP_EVERYTHING } from '../../src/ingest/content/policy.ts';
import { Ingest } from '../../src/ingest/ingest.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createPriceBook } from '../../src/pricing/price-book.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { createTelemetryLog } from '../../src/store/telemetry/telemetry-log.ts';
import { createTextLog } from '../../src/store/text-log.ts';

const [directory] = process.argv.slice(2) as [string];
const database = await openDatabase({ path: join(directory, 'store') }, '0.0.0-bench', systemClock);
await migrate(database, systemClock);
const onError = (error: unknown): void => console.error(error);
const ingest = new Ingest({
  log: createTelemetryLog(database, createTextLog(database)),
  clock: systemClock,
  dataDirectory: directory,
  policies: KEEP_EVERYTHING,
  attribute: () => ({ kind: 'unknown', prompt: null, version: null, owner: null }),
  price: createPriceBook([]),
  onError,
});
await ingest.start();
const receiver = new OtlpHttpReceiver({
  host: '127.0.0.1',
  port: 0,
  accept: ingest.accept,
  authorize: () => 'allowed',
  limits: DEFAULT_OTLP_LIMITS,
  inFlight: new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax),
  onError,
});
await receiver.start();

export interface Report {
  readonly calls: number;
  readonly cpuSeconds: number;
  /** Of the thread that runs JavaScript. */
  readonly mainCpuSeconds: number;
  readonly residentMb: number;
}

async function report(): Promise<Report> {
  const [row] = await database.query<{ calls: string }>('SELECT count() AS calls FROM invocations');
  const { user, system } = process.cpuUsage();
  const main = process.threadCpuUsage();
  return {
    calls: Number(row?.calls),
    cpuSeconds: (user + system) / 1e6,
    mainCpuSeconds: (main.user + main.system) / 1e6,
    residentMb: process.memoryUsage.rss() / 1e6,
  };
}

process.on('message', (message) => {
  if (message === 'report') {
    void report().then((answer) => process.send?.(answer));
  } else if (message === 'stop') {
    void receiver
      .stop(2_000)
      .then(() => ingest.stop(20_000))
      .then(() => database.close())
      .then(() => process.exit(0));
  }
});
import { threads } from '/tmp/threads.mjs';
process.on('message', (m) => {
  if (m === 'stop') console.error(threads());
});
process.send?.({ port: receiver.port });
