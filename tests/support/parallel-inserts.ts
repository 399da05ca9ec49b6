/** Inserts rows into an embedded store, three inserts at a time, and prints what is there then. Arguments: data directory, rounds. */

import { systemClock } from '../../src/lib/time.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';

const [directory = '', rounds = '0'] = process.argv.slice(2);
const database = await openDatabase({ path: directory }, '1.0.0', systemClock);
await database.command('CREATE TABLE numbers_of_test (id UInt64) ENGINE = MergeTree ORDER BY id');
for (let round = 0; round < Number(rounds); round += 1) {
  await Promise.all([0, 1, 2].map((each) => database.insert('numbers_of_test', [{ id: round * 3 + each }])));
}
const [row] = await database.query<{ rows: string; greatest: string }>(
  'SELECT count() AS rows, max(id) AS greatest FROM numbers_of_test',
);
console.log(`${row?.rows} rows, greatest ${row?.greatest}`);
await database.close();
