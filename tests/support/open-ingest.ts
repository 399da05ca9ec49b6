/** The ingest with its HTTP receiver and a store, for a process of their own: what stands around them in the daemon is left out. */

import { join } from 'node:path';
import { ThreadedHttpReceiver } from '../../collectors/otlp/http-in-thread.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import { KEEP_EVERYTHING } from '../../src/ingest/content/policy.ts';
import { Entrance } from '../../src/ingest/entrance.ts';
import { Ingest } from '../../src/ingest/ingest.ts';
import type { IngestLimits } from '../../src/ingest/limits.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { systemClock } from '../../src/lib/time.ts';
import { createPriceBook } from '../../src/pricing/price-book.ts';
import type { Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { createTelemetryLog } from '../../src/store/telemetry/telemetry-log.ts';

export interface OpenIngest {
  readonly database: Database;
  readonly port: number;
  /** Of what is accepted and not settled in the store. */
  readonly waitingBytes: () => number;
  /** Stops all of it in order, and ends the process. */
  readonly stop: () => Promise<never>;
}

/** `store`: what the ingest gets in place of the database, if not the database itself. */
export async function openIngest(
  directory: string,
  limits: Partial<IngestLimits> = {},
  store: (database: Database) => Database = (database) => database,
): Promise<OpenIngest> {
  const database = await openDatabase({ path: join(directory, 'store') }, '0.0.0-test', systemClock);
  await migrate(database, systemClock);
  const written = store(database);
  const onError = (error: unknown): void => console.error(error);
  const entrance = new Entrance({
    clock: systemClock,
    dataDirectory: directory,
    policies: KEEP_EVERYTHING,
    onError,
    onTrouble: (problem) => {
      if (problem !== null) console.error(problem);
    },
    limits,
    hasDraftingThread: true,
  });
  const ingest = new Ingest({
    entrance,
    log: createTelemetryLog(written),
    clock: systemClock,
    horizon: new KnowledgeHorizon(systemClock),
    attribute: () => ({ kind: 'unknown', prompt: null, version: null, owner: null }),
    price: createPriceBook([]),
    onError,
  });
  await ingest.start();
  const receiver = new ThreadedHttpReceiver({
    host: '127.0.0.1',
    port: 0,
    accept: ingest.accept,
    authorize: () => 'allowed',
    limits: DEFAULT_OTLP_LIMITS,
    inFlight: new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax),
    onError,
  });
  await receiver.start();
  const stop = async (): Promise<never> => {
    await receiver.stop(2_000);
    await ingest.stop(20_000);
    await entrance.close();
    await database.close();
    process.exit(0);
  };
  return { database, port: receiver.port, waitingBytes: () => ingest.waitingBytes, stop };
}
