/** Opens the store that the configuration names: the embedded engine, or a server. */

import type { Clock } from '../../contract/time.ts';
import type { Database } from '../database.ts';
import { openEmbeddedDatabase } from './embedded-database.ts';
import type { EngineMemory } from './memory.ts';
import { openServerDatabase } from './server-database.ts';

export type DatabaseOptions =
  | { readonly path: string; readonly memory?: EngineMemory | undefined }
  | {
      readonly url: string;
      readonly user?: string | undefined;
      readonly password?: string | undefined;
      readonly database?: string | undefined;
      readonly cluster?: string | undefined;
    };

/** Does not migrate; see `migrate.ts`. Throws a `Fault`. `signal` gives up the wait for a server's answer. */
export async function openDatabase(
  options: DatabaseOptions,
  release: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Database> {
  return 'path' in options
    ? await openEmbeddedDatabase({ ...options, release, clock })
    : await openServerDatabase({ ...options, release, signal });
}
