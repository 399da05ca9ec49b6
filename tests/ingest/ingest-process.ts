/** The ingest with its HTTP receiver as a process of its own, to be killed. Arguments: a data directory. */

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
const database = await openDatabase({ path: join(directory, 'store') }, '0.0.0-test', systemClock);
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
  // Short and small, so that a kill falls into every kind of moment.
  limits: { quietMs: 100, provisionalMs: 300, spoolSegmentBytesMax: 200_000 },
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
process.on('SIGTERM', () => {
  void receiver
    .stop(2_000)
    .then(() => ingest.stop(10_000))
    .then(() => database.close())
    .then(() => process.exit(0));
});
console.log(`listening ${receiver.port}`);
