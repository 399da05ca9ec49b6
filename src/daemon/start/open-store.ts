/** Opens the configured store and brings its schema up to date. */

import type { StoreLocation } from '../../config/configuration.ts';
import type { LatestObservation } from '../../contract/store.ts';
import type { Clock } from '../../contract/time.ts';
import { systemClock } from '../../lib/time.ts';
import type { TellLog } from '../../lib/trouble-log.ts';
import { openTrail } from '../../store/audit/open-trail.ts';
import type { AuditTrail } from '../../store/audit/trail.ts';
import type { Database } from '../../store/database.ts';
import { createStore, type Store } from '../../store/index.ts';
import { migrate } from '../../store/migrate.ts';
import { toObservationRow } from '../../store/observation-rows.ts';
import type { EngineMemory } from '../../store/engine/memory.ts';
import { openDatabase } from '../../store/engine/open-database.ts';
import { dropRepeated, readSetAside, setAsideWords } from '../../store/engine/set-aside.ts';
import { auditWriter } from '../audit/audit-writer.ts';
import type { Attempt } from './await-store.ts';
import { bringBack } from '../clock-watch.ts';
import type { DaemonOptions } from '../daemon.ts';

/**
 * Throws a `Fault` that names the owner of a data directory in use, or what the server answered. `attempt` is for a
 * server; given up, it rejects soon with anything. `memory`: of the embedded engine, for whoever needs more beside it.
 */
export async function openStore(
  location: StoreLocation,
  release: string,
  clock: Clock,
  attempt?: Attempt,
  memory?: EngineMemory,
): Promise<Database> {
  const options =
    location.kind === 'embedded'
      ? { path: location.path, memory }
      : {
          url: location.url,
          user: location.user,
          password: location.password,
          database: location.database,
          cluster: location.cluster ?? undefined,
        };
  const signal = attempt?.signal;
  const database = await openDatabase(options, release, clock, signal);
  attempt?.answered();
  const work = async (): Promise<Database> => {
    // Where that fails it is told of as missing rows would be, and nothing is lost.
    if (database.kind === 'embedded') await dropRepeated(database).catch(() => undefined);
    await migrate(database, clock, undefined, signal);
    return database;
  };
  return orClosed(database, work, signal);
}

/** The directory, or the server's address: without a user and a password that stand in the URL. */
export function addressOf(location: StoreLocation): string {
  if (location.kind === 'embedded') return location.path;
  const { protocol, host } = URL.parse(location.url) ?? { protocol: 'http:', host: '' };
  return host === '' ? 'at a URL that is none' : `${protocol}//${host}`;
}

/** What the store had to go on without, in words. Empty also where it does not tell. */
export async function missingFromStore(database: Database): Promise<readonly string[]> {
  // A server's account may not look there.
  const found = await readSetAside(database).catch(() => []);
  return found.map(setAsideWords);
}

/** What a daemon needs before it can be made. */
export interface OpenedStore {
  readonly database: Database;
  readonly store: Store;
  /** Not written yet: that begins with what is recorded first. */
  readonly trail: AuditTrail;
  /** The newest observation of each place, from which polling goes on. */
  readonly latest: readonly LatestObservation[];
}

/** The same for a daemon. */
export async function openForDaemon(
  {
    configuration,
    version,
    log,
    memory,
  }: Pick<DaemonOptions, 'configuration' | 'version' | 'memory'> & { log: TellLog },
  attempt?: Attempt,
): Promise<OpenedStore> {
  const database = await openStore(configuration.store, version, systemClock, attempt, memory.engine);
  const work = async (): Promise<OpenedStore> => {
    await bringBack(database, systemClock, log);
    const { dataDirectory } = configuration;
    const trail = await openTrail(database, systemClock, await auditWriter(dataDirectory));
    const store = createStore(database, systemClock, trail);
    const latest = await store.observations.latest();
    // At the very first start what each place holds is news, and gets an entry.
    if (!trail.isFirst) trail.remember(latest.flatMap(({ lastAnswered }) => lastAnswered ?? []).map(toObservationRow));
    return { database, store, trail, latest };
  };
  return orClosed(database, work, attempt?.signal);
}

/** Closes the store when the work with it fails. When the signal aborts, what is asked of the store is cut off. */
async function orClosed<Result>(
  database: Database,
  work: () => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  try {
    const result = await cutOffBy(signal, database, work);
    signal?.throwIfAborted();
    return result;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** While this works, what it asks of the store is cut off when the signal aborts. */
export async function cutOffBy<Result>(
  signal: AbortSignal | undefined,
  database: Database,
  work: () => Promise<Result>,
): Promise<Result> {
  const cutOff = (): void => void database.close();
  signal?.addEventListener('abort', cutOff);
  try {
    return await work();
  } finally {
    signal?.removeEventListener('abort', cutOff);
  }
}
