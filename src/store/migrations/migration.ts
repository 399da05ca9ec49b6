/** What one step of the schema is. A step never changes once released; a later one corrects it. */

import type { TableDialect } from '../database.ts';

export interface Migration {
  /** Counts up by one. */
  readonly id: number;
  readonly name: string;
  /**
   * DDL that may run twice, and in several replicas at once: `IF NOT EXISTS`, `IF EXISTS`. Tables
   * are named without a database. Each with `${dialect.onCluster}` after the table's name.
   */
  readonly statements: (dialect: TableDialect) => readonly string[];
}
