/** The embedded store while somebody moves its data directory away under it, and puts it back. */

import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isFault } from '../../src/contract/fault.ts';
import { sleep } from '../../src/lib/limits.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const GONE = { kind: 'transient', message: expect.stringContaining('was removed or replaced') };

async function openStore(data: string): Promise<Database> {
  const database = await openDatabase({ path: data }, '1.2.3', systemClock);
  await database.command(
    `CREATE TABLE IF NOT EXISTS numbers_of_test (number UInt64) ${database.dialect.engine('MergeTree')} ORDER BY number
     SETTINGS ${database.dialect.settings}`,
  );
  return database;
}

async function stored(database: Database): Promise<readonly number[]> {
  const rows = await database.query<{ number: string }>('SELECT DISTINCT number FROM numbers_of_test ORDER BY number');
  return rows.map(({ number }) => Number(number));
}

function moveAway(data: string): void {
  renameSync(data, `${data}-elsewhere`);
}

/** What the engine may have made at its place goes. */
function putBack(data: string): void {
  rmSync(data, { recursive: true, force: true, maxRetries: 10 });
  renameSync(`${data}-elsewhere`, data);
}

describe('a data directory that is moved away', () => {
  it('is neither written nor read, and all is as before when it is back', async () => {
    const data = join(tempDirectory(), 'data');
    const database = await openStore(data);
    await database.insert('numbers_of_test', [{ number: 1 }]);
    moveAway(data);
    await expect(database.insert('numbers_of_test', [{ number: 2 }])).rejects.toMatchObject(GONE);
    await expect(database.query('SELECT 1')).rejects.toMatchObject(GONE);
    await expect(database.command('OPTIMIZE TABLE numbers_of_test FINAL')).rejects.toMatchObject(GONE);
    putBack(data);
    await database.insert('numbers_of_test', [{ number: 3 }]);
    expect(await stored(database)).toEqual([1, 3]);
    await database.close();
  });

  it('loses nothing that was acknowledged, whenever it goes in the middle of an insert', async () => {
    const data = join(tempDirectory(), 'data');
    const database = await openStore(data);
    const acknowledged: number[] = [];
    const kinds = new Set<unknown>();
    const settled = [0, 0, 0];
    const over = new AbortController();
    let number = 0;
    const insertOn = async (_: number, who: number): Promise<void> => {
      while (!over.signal.aborted) {
        const mine = number++;
        await database.insert('numbers_of_test', [{ number: mine }]).then(
          () => acknowledged.push(mine),
          (error: unknown) => kinds.add(isFault(error) ? error.kind : error),
        );
        settled[who] = (settled[who] ?? 0) + 1;
        await sleep(1);
      }
    };
    const inserting = settled.map(insertOn);
    for (let round = 0; round < 20; round += 1) {
      const before = acknowledged.length;
      while (acknowledged.length < before + 20) await sleep(1 + (round % 5));
      const then = [...settled];
      moveAway(data);
      // No insert from before is on its way.
      while (settled.some((count, who) => count === then[who])) await sleep(1);
      putBack(data);
    }
    over.abort();
    await Promise.all(inserting);
    expect([...kinds]).toEqual(['transient']);
    expect(await stored(database)).toEqual(expect.arrayContaining(acknowledged));
    await database.close();
    const again = await openStore(data);
    expect(await stored(again)).toEqual(expect.arrayContaining(acknowledged));
    await again.close();
  });
});
