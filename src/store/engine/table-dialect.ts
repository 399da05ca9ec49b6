/** The one place that decides how tables are made: on one server, or replicated over a cluster. Pure. */

import type { TableDialect } from '../database.ts';

/** An insert is on the disk when it resolves. */
const DURABLE = 'fsync_after_insert = 1, fsync_part_directory = 1';

export const plainTables: TableDialect = {
  onCluster: '',
  engine: (family, ...columns) => `ENGINE = ${family}(${columns.join(', ')})`,
  // No insert asks what a table remembers, see `insertSettings`; but it is part of every step's checksum.
  settings: `non_replicated_deduplication_window = 1000, ${DURABLE}`,
};

// Above it a part has several files for each column: 150 for one insert of calls, each made, synced and soon
// deleted again. Parts that are merged this far are few, and their columns are read alone more often.
const ONE_FILE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * In the daemon's own process merges are paid for by the daemon: they wait until there are more parts
 * to merge at once. Half the work at full load; the engine lowers the number as parts grow old.
 */
export const embeddedTables: TableDialect = {
  ...plainTables,
  settings: `${plainTables.settings}, merge_selector_base = 12, min_bytes_for_wide_part = ${ONE_FILE_BYTES_MAX}`,
};

/**
 * Tables with the same content on every replica. The path in Keeper is spelled out rather than left
 * to the table's UUID: a replica that joins later then finds the tables of the others.
 */
export function replicatedTables(cluster: string): TableDialect {
  const path = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";
  return {
    onCluster: `ON CLUSTER ${quoteIdentifier(cluster)}`,
    engine: (family, ...columns) => `ENGINE = Replicated${family}(${[path, ...columns].join(', ')})`,
    settings: DURABLE,
  };
}

/** A name of a database or cluster that a user chose, safe inside SQL. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}
