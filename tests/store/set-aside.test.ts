/** What the engine found broken at its start is told where rows are missing, and only there. */

import { globSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sleep } from '../../src/lib/limits.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { dropRepeated, readSetAside } from '../../src/store/engine/set-aside.ts';
import { tempDirectory } from '../support/temp-directory.ts';

/** Three parts, and the one that they were merged into. The engine keeps them for some minutes. */
async function merged(path: string): Promise<void> {
  const database = await openDatabase({ path }, '1.0.0', systemClock);
  await database.command('CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a');
  for (const a of [1, 2, 3]) await database.insert('t', [{ a }]);
  await database.command('OPTIMIZE TABLE t FINAL');
  await database.close();
}

const partOf = (path: string, name: string): string =>
  globSync(join(path, 'clickhouse/store/*/*', name))[0] ?? expect.fail(`there is no ${name}`);

async function opened<Result>(path: string, ask: (database: Database) => Promise<Result>): Promise<Result> {
  const database = await openDatabase({ path }, '1.0.0', systemClock);
  try {
    return await ask(database);
  } finally {
    await database.close();
  }
}

const count = (database: Database): Promise<unknown> => database.query('SELECT toUInt32(count()) AS rows FROM t');

test('a part that was not on the disk yet when the machine ended is no loss while what it was merged from is there', async () => {
  const path = tempDirectory();
  await merged(path);
  truncateSync(join(partOf(path, 'all_1_3_1'), 'data.bin'), 0);
  await opened(path, async (database) => {
    expect(await count(database)).toEqual([{ rows: 3 }]);
    expect(await readSetAside(database)).toEqual([]);
    await dropRepeated(database);
    expect(await database.query('SELECT name FROM system.detached_parts')).toEqual([]);
  });
});

test('it is one where some of that is gone', async () => {
  const path = tempDirectory();
  await merged(path);
  truncateSync(join(partOf(path, 'all_1_3_1'), 'data.bin'), 0);
  rmSync(partOf(path, 'all_2_2_0'), { recursive: true });
  await opened(path, async (database) => {
    expect(await count(database)).toEqual([{ rows: 2 }]);
    const told = [expect.objectContaining({ table: 't', parts: 1, rows: 3 })];
    expect(await readSetAside(database)).toEqual(told);
    await dropRepeated(database);
    // What its neighbours are merged into is named as if it held all between them, and is younger.
    await sleep(1_100);
    await database.command('OPTIMIZE TABLE t FINAL');
    expect(await readSetAside(database)).toEqual(told);
  });
});
