/**
 * Brings the schema to what this release needs. ClickHouse has no locks, so nothing is locked: every
 * statement may run twice, and replicas that start together simply all run them.
 */

import { Fault } from '../contract/fault.ts';
import type { Clock } from '../contract/time.ts';
import { sha256 } from '../lib/hash.ts';
import { sleep } from '../lib/limits.ts';
import { clickHouseCode } from './engine/clickhouse-fault.ts';
import type { Database } from './database.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';
import { plainTables } from './engine/table-dialect.ts';

interface Applied {
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
  readonly release: string;
}

/**
 * Returns the names of the steps that were missing. Throws a `Fault` of kind `config` for a store that another release
 * wrote. When the signal aborts no further statement is run: the next start goes on from there.
 */
export async function migrate(
  database: Database,
  clock: Clock,
  migrations: readonly Migration[] = MIGRATIONS,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  await runStatement(database, recordTable(database));
  const applied = await readApplied(database);
  refuseOther(applied, migrations, database.release);
  const missing = migrations.filter((migration) => !applied.has(migration.id));
  for (const migration of missing) {
    for (const statement of migration.statements(database.dialect)) {
      signal?.throwIfAborted();
      await runStatement(database, statement);
    }
    const row = { id: migration.id, name: migration.name, checksum: checksum(migration) };
    await database.insert('migrations', [{ ...row, release: database.release, applied_at: clock.now() }]);
  }
  return missing.map((migration) => migration.name);
}

/** The same for every dialect: what a step means does not depend on where it runs. */
export function checksum(migration: Migration): string {
  return sha256(migration.statements(plainTables).join(';\n'));
}

function recordTable({ dialect }: Database): string {
  return `CREATE TABLE IF NOT EXISTS migrations ${dialect.onCluster} (
    id UInt32,
    name String,
    checksum String,
    release String,
    applied_at DateTime64(9, 'UTC')
  ) ${dialect.engine('MergeTree')} ORDER BY (id, applied_at) SETTINGS ${dialect.settings}`;
}

/** The first record of each step: replicas that started together may have written several. */
async function readApplied(database: Database): Promise<ReadonlyMap<number, Applied>> {
  const rows = await database.query<Applied>(
    'SELECT id, name, checksum, release FROM migrations ORDER BY id, applied_at LIMIT 1 BY id',
  );
  return new Map(rows.map((row) => [row.id, row]));
}

function refuseOther(applied: ReadonlyMap<number, Applied>, migrations: readonly Migration[], release: string): void {
  const known = new Map(migrations.map((migration) => [migration.id, migration]));
  for (const step of applied.values()) {
    const ours = known.get(step.id);
    if (ours === undefined) {
      throw new Fault(
        'config',
        `The store has schema step ${step.id} (${step.name}) of plumbline ${step.release}, which this release, ${release}, does not know.`,
        { hint: `Start plumbline ${step.release} or later, or use another store.` },
      );
    }
    if (checksum(ours) !== step.checksum) {
      throw new Fault(
        'config',
        `The store's schema step ${step.id} (${step.name}) was written by plumbline ${step.release} and is not the one of this release, ${release}.`,
        { hint: `Start the release that wrote it, or use another store.` },
      );
    }
  }
}

// What a statement may answer when another replica runs it at the same moment: it is tried again.
const LOST_A_RACE: ReadonlySet<number> = new Set([
  57, // TABLE_ALREADY_EXISTS
  82, // DATABASE_ALREADY_EXISTS
  36, // BAD_ARGUMENTS, of a sorting key for which a column was added meanwhile
  44, // ILLEGAL_COLUMN, of a column that was added meanwhile
  253, // REPLICA_ALREADY_EXISTS
  342, // METADATA_MISMATCH
  473, // DEADLOCK_AVOIDED
  517, // CANNOT_ASSIGN_ALTER
]);
const ATTEMPTS = 8;
const WAIT_MS = 100;

async function runStatement(database: Database, statement: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await database.command(statement);
      return;
    } catch (error) {
      const code = clickHouseCode((error as Error).cause);
      if (attempt === ATTEMPTS || code === null || !LOST_A_RACE.has(code)) throw error;
      await sleep(WAIT_MS * attempt);
    }
  }
}
