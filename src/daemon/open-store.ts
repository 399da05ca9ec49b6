/** Opens the configured store and brings its schema up to date. */

import type { Configuration, StoreLocation } from '../config/load.ts';
import type { Clock } from '../contract/time.ts';
import { claimSpoolDirectory } from '../store/data-directory.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrate.ts';
import { openDatabase } from '../store/open-database.ts';
import { readSetAside, setAsideWords } from '../store/set-aside.ts';

/** Throws a `Fault` that names the owner of a data directory in use, or what the server answered. */
export async function openStore(location: StoreLocation, release: string, clock: Clock): Promise<Database> {
  const options =
    location.kind === 'embedded'
      ? { path: location.path }
      : {
          url: location.url,
          user: location.user,
          password: location.password,
          database: location.database,
          cluster: location.cluster ?? undefined,
        };
  const database = await openDatabase(options, release, clock);
  try {
    await migrate(database, clock);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** What the store had to go on without, in words. Empty also where it does not tell. */
export async function missingFromStore(database: Database): Promise<readonly string[]> {
  // A server's account may not look there.
  const found = await readSetAside(database).catch(() => []);
  return found.map(setAsideWords);
}

/** The same for a daemon: the directory of its spool is its own until the store is closed. */
export async function openStoreAndSpool(
  { store: location, dataDirectory }: Pick<Configuration, 'store' | 'dataDirectory'>,
  release: string,
  clock: Clock,
): Promise<Database> {
  // That of an embedded store is locked by the engine.
  if (location.kind === 'embedded') return openStore(location, release, clock);
  const letGo = await claimSpoolDirectory(dataDirectory, release, clock.now());
  try {
    const database = await openStore(location, release, clock);
    const close = async (): Promise<void> => {
      await database.close();
      await letGo();
    };
    return { ...database, close };
  } catch (error) {
    await letGo();
    throw error;
  }
}
