/**
 * The narrow door to ClickHouse: the same calls for the embedded engine and for a server. Only
 * files in `src/store/` see it; the rest of the daemon sees the query families beside it.
 */

/** Everything lives in one database; this is its name, unless a server's configuration gives another. */
export const DATABASE_NAME = 'plumbline';

/** Values for `{name:Type}` placeholders. Bigints, dates and decimals go as strings. */
export type QueryParameters = Readonly<
  Record<string, string | number | boolean | readonly string[] | readonly number[]>
>;

/** Every failure is a `Fault`; see `clickhouse-fault.ts` for which kind. */
export interface Database {
  /** `embedded` owns its data directory; `server` is reached over HTTP. */
  readonly kind: 'embedded' | 'server';

  /** How tables are made here: plain, or replicated over a cluster. */
  readonly dialect: TableDialect;

  /** The release of this daemon, recorded with what it migrates. */
  readonly release: string;

  /**
   * Rows of a SELECT. 64-bit integers and decimals come as strings, DateTime64 as RFC 3339 with as
   * many digits as its precision (nine for all our columns). A placeholder of type DateTime64 takes
   * a `Timestamp` as it is.
   */
  query<Row>(sql: string, parameters?: QueryParameters, signal?: AbortSignal): Promise<Row[]>;

  /** The same for quick questions of which new calls wait for the answer: no report holds them up. */
  queryAhead<Row>(sql: string, parameters?: QueryParameters): Promise<Row[]>;

  /**
   * The answer to a SELECT that is not ours, in a format of ClickHouse. The engine lets it write nothing and bounds what it takes,
   * see `READER_SETTINGS`; what it may reach is for the caller to check. One at a time: `signal` ends it.
   */
  answer(sql: string, format: string, signal?: AbortSignal): Promise<Uint8Array>;

  /** DDL and other statements without rows. */
  command(sql: string, parameters?: QueryParameters): Promise<void>;

  /**
   * Few rows, as objects. Resolves when they are durable. One that failed may be in the store, as a whole or in
   * part; whoever repeats it needs rows that have an identity, and readers that count it once.
   */
  insert(table: string, rows: readonly object[]): Promise<void>;

  /**
   * The hot path: newline-separated JSON rows as bytes, passed through as they are. The bytes must
   * not change until it settles.
   */
  insertJsonLines(table: string, lines: Uint8Array): Promise<void>;

  /** Resolves when the engine answers; throws a `Fault` of kind `transient` when it does not. */
  ping(): Promise<void>;

  /** Waits for what runs, then releases the engine or the sockets. Safe twice. */
  close(): Promise<void>;
}

/** The words of a CREATE TABLE that differ between one server and a cluster. */
export interface TableDialect {
  /** Empty, or `ON CLUSTER name`; goes after the table's name in every DDL statement. */
  readonly onCluster: string;
  /**
   * The engine clause, e.g. `ENGINE = ReplacingMergeTree(revision)`. Arguments are those of the
   * plain engine: the version column, then the is-deleted column.
   */
  readonly engine: (
    family: 'MergeTree' | 'ReplacingMergeTree' | 'SummingMergeTree',
    ...columns: readonly string[]
  ) => string;
  /**
   * Settings every table should have: an insert is on the disk when it resolves. Goes last:
   * `SETTINGS ${dialect.settings}`.
   */
  readonly settings: string;
}
