/**
 * The limits that the ingest is compared with, in a process of their own: the very same final rows
 * straight into fresh tables, in the order in which they came, and the naive rows for their size on
 * disk. Arguments: the directory of the store that the ingest wrote, and a file of naive rows.
 */

import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/lib/time.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import type { Database } from '../../src/store/database.ts';

/** Each with what says when a row came; texts and lists have no time, and hashes come in no order. */
const TABLES = {
  call_texts: 'cityHash64(hash)',
  call_lists: 'cityHash64(hash)',
  span_facts: 'received_at, cityHash64(span_id)',
  invocations: 'revision',
} as const;
// Read at a time: their JSON is one text.
const ROWS_PER_PAGE = 50_000;
// What the loader inserts at a time.
const BATCH_BYTES = 8 * 1024 * 1024;
const NEWLINE = 10;

const [storePath, naiveFile] = process.argv.slice(2) as [string, string];
const database = await openDatabase({ path: storePath }, '0.0.0-bench', systemClock);

const tables: Record<string, { rows: number; bytes: number; json_bytes: number }> = {};
let seconds = 0;
let cpuSeconds = 0;
for (const [table, order] of Object.entries(TABLES)) {
  const batches = await rowsOf(database, table, order);
  const copy = `${table}_again`;
  await copyTable(database, table, copy);
  const start = performance.now();
  const cpu = process.cpuUsage();
  for (const batch of batches) await database.insertJsonLines(copy, batch);
  seconds += (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  cpuSeconds += (user + system) / 1e6;
  await database.command(`OPTIMIZE TABLE ${table} FINAL`);
  tables[table] = {
    ...(await sizeOf(database, table)),
    json_bytes: batches.reduce((sum, { length }) => sum + length, 0),
  };
}

await database.command(
  `CREATE TABLE naive (trace_id String, span_id String, attributes Map(LowCardinality(String), String))
   ENGINE = MergeTree ORDER BY (trace_id, span_id)`,
);
const naive = readFileSync(naiveFile);
for (const batch of batchesOf(naive)) await database.insertJsonLines('naive', batch);
await database.command('OPTIMIZE TABLE naive FINAL');
const naiveSize = await sizeOf(database, 'naive');
console.log(JSON.stringify({ seconds, cpuSeconds, tables, naive: naiveSize }));
await database.close();

async function copyTable(from: Database, table: string, copy: string): Promise<void> {
  const [row] = await from.query<{ statement: string }>(
    `SELECT create_table_query AS statement FROM system.tables WHERE database = currentDatabase() AND name = {table:String}`,
    { table },
  );
  const statement = row?.statement ?? '';
  await from.command(
    statement.replace(/CREATE TABLE (\S+?)\.?(\w+) /, (whole) => whole.replace(new RegExp(`\\b${table}\\b`), copy)),
  );
}

/** The table's rows as JSON lines, in batches. */
async function rowsOf(from: Database, table: string, order: string): Promise<Buffer[]> {
  const pages: Buffer[] = [];
  for (let offset = 0; ; offset += ROWS_PER_PAGE) {
    const rows = await from.query<object>(
      `SELECT * FROM ${table} ORDER BY ${order} LIMIT ${ROWS_PER_PAGE} OFFSET ${offset}`,
    );
    if (rows.length === 0) return batchesOf(Buffer.concat(pages));
    pages.push(Buffer.from(rows.map((row) => `${JSON.stringify(asStored(table, row))}\n`).join('')));
  }
}

/** Facts are sent as an object, not as a text of one. */
function asStored(table: string, row: object): object {
  return table === 'span_facts' ? { ...row, facts: JSON.parse((row as { facts: string }).facts) as object } : row;
}

function batchesOf(lines: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let start = 0; start < lines.length;) {
    const limit = Math.min(start + BATCH_BYTES, lines.length);
    const end = limit === lines.length ? limit : lines.lastIndexOf(NEWLINE, limit) + 1;
    batches.push(lines.subarray(start, end));
    start = end;
  }
  return batches;
}

async function sizeOf(from: Database, table: string): Promise<{ rows: number; bytes: number }> {
  const [row] = await from.query<{ rows: string; bytes: string }>(
    `SELECT sum(rows) AS rows, sum(data_compressed_bytes) AS bytes FROM system.parts
     WHERE active AND database = currentDatabase() AND table = {table:String}`,
    { table },
  );
  return { rows: Number(row?.rows), bytes: Number(row?.bytes) };
}
