/**
 * Fills a store up to so many spans with copies of those it has, under other ids and spread over
 * the last month, in a process of its own. Arguments: the directory of the store, and the number.
 */

import { execFileSync } from 'node:child_process';
import { systemClock } from '../../src/lib/time.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';

const ROWS_PER_STATEMENT = 1_000_000;
const DAYS = 30;
// One merge seldom is the last: the next is chosen a moment after it.
const QUIET_LOOKS = 10;

const [path, number] = process.argv.slice(2) as [string, string];
const spansMax = Number(number);
const database = await openDatabase({ path }, '0.0.0-bench', systemClock);
const [spans, calls] = [await rowsOf('span_facts'), await rowsOf('invocations')];
await database.command('CREATE TABLE seed_facts ENGINE = Memory AS SELECT * FROM span_facts LIMIT 100000');
await database.command('CREATE TABLE seed_calls ENGINE = Memory AS SELECT * FROM invocations LIMIT 80000');
const seeds = { facts: await rowsOf('seed_facts'), calls: await rowsOf('seed_calls') };
const callsMax = Math.round((calls / spans) * spansMax);
for (let copy = 0, rows = spans; rows < spansMax; copy += 1) {
  rows += await grow('span_facts', 'seed_facts', seeds.facts, Math.min(ROWS_PER_STATEMENT, spansMax - rows), copy);
  const missing = Math.min(callsMax, Math.round((rows / spansMax) * callsMax)) - (await rowsOf('invocations'));
  if (missing > 0) await grow('invocations', 'seed_calls', seeds.calls, missing, copy);
  process.stderr.write(`\r${rows} of ${spansMax} spans stored `);
}
process.stderr.write('\nwaiting for the merges of what was added\n');
for (let quiet = 0; quiet < QUIET_LOOKS;) {
  quiet = (await rowsOf('system.merges')) > 0 ? 0 : quiet + 1;
  await new Promise((resolve) => {
    setTimeout(resolve, 500);
  });
}
await database.command('DROP TABLE seed_facts');
await database.command('DROP TABLE seed_calls');
await database.close();
// Gigabytes that wait for the disk would be paid for by what is measured next.
execFileSync('sync');

/** The copies of one row differ in their ids and lie on different days. */
async function grow(table: string, seed: string, seedRows: number, rows: number, copy: number): Promise<number> {
  const copies = Math.ceil(rows / seedRows);
  const at = (column: string): string => `${column} - toIntervalDay((n + ${copy}) % ${DAYS}) AS ${column}`;
  const id = (column: string, digits: number): string =>
    `substring(lower(hex(MD5(concat(${column}, '.${copy}.', toString(n))))), 1, ${digits}) AS ${column}`;
  const times = table === 'span_facts' ? [at('started_at'), at('received_at')] : [at('started_at'), at('ingested_at')];
  const replaced = [id('trace_id', 32), id('span_id', 16), id('response_id', 24), ...times].join(', ');
  await database.command(
    `INSERT INTO ${table} (${await columnsOf(database, table)}) SELECT ${await columnsOf(database, table)} FROM (
       SELECT * REPLACE (${replaced}) FROM ${seed} ARRAY JOIN range(${copies}) AS n LIMIT ${rows})`,
  );
  return rows;
}

async function columnsOf(from: Database, table: string): Promise<string> {
  const columns = await from.query<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String}
       AND default_kind != 'MATERIALIZED' ORDER BY position`,
    { table },
  );
  return columns.map(({ name }) => name).join(', ');
}

async function rowsOf(table: string): Promise<number> {
  const [row] = await database.query<{ rows: string }>(`SELECT count() AS rows FROM ${table}`);
  return Number(row?.rows);
}
