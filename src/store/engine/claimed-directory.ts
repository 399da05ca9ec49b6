/**
 * Lets no statement through to the engine while the data directory is not there. The engine does not notice: it makes
 * the folders that it misses and writes into them; when the right ones are back it looks there for what it wrote, and
 * the table is broken. So when they are back every table is read anew from the disk, before anything else is done.
 */

import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Fault } from '../../contract/fault.ts';
import type { Pool } from './connection-pool.ts';
import { Claim } from './data-directory.ts';
import { quoteIdentifier } from './table-dialect.ts';

interface Engine {
  command(statement: { readonly query: string }): Promise<unknown>;
  query(question: { readonly query: string }): Promise<{ readonly stream: Readable }>;
}

const TABLES_WITH_FILES = `SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' FORMAT TSV`;

/** What is run throws a `Fault` of kind `transient` where the directory is gone, or went meanwhile. */
export function withinClaimedDirectory<Connection extends Engine>(
  pool: Pool<Connection>,
  directory: string,
): Pool<Connection> {
  const claim = new Claim(directory, 'embedded');
  const detached = new Set<string>();
  /** It was gone: what the engine believes to have written may be nowhere. */
  let isDoubtful = false;
  let readingAnew: Promise<void> | null = null;

  const assertThere = (cause?: unknown): void => {
    if (claim.isHeld() !== false) return;
    isDoubtful = true;
    throw new Fault('transient', `The data directory ${resolve(directory)} was removed or replaced.`, {
      hint: 'Move it back; with a copy, or to begin with an empty one, restart the daemon.',
      cause,
    });
  };

  const readAnew = async (engine: Engine): Promise<void> => {
    const { stream } = await engine.query({ query: TABLES_WITH_FILES });
    for (const name of (await text(stream)).split('\n').filter((line) => line !== '')) detached.add(name);
    for (const name of detached) {
      await engine.command({ query: `DETACH TABLE IF EXISTS ${quoteIdentifier(name)} SYNC` });
      await engine.command({ query: `ATTACH TABLE ${quoteIdentifier(name)}` });
      detached.delete(name);
    }
    isDoubtful = false;
  };

  return {
    run: (use, work, signal) =>
      pool.run(
        use,
        async (connection) => {
          assertThere();
          // Others wait for it, each with its connection: what they would ask could not be answered.
          if (isDoubtful) {
            readingAnew ??= readAnew(connection).finally(() => {
              readingAnew = null;
            });
            await readingAnew;
          }
          let result: Awaited<ReturnType<typeof work>>;
          try {
            result = await work(connection);
          } catch (error) {
            assertThere(error);
            throw error;
          }
          assertThere();
          return result;
        },
        signal,
      ),
    drain: () => pool.drain(),
  };
}
