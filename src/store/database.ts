/**
 * The narrow door to ClickHouse: the same calls for the embedded engine and for a server. Only
 * files in `src/store/` see it; the rest of the daemon sees the query families beside it.
 */

/** Values for `{name:Type}` placeholders. Bigints and dates go as strings. */
export type QueryParameters = Readonly<
  Record<string, string | number | boolean | readonly string[] | readonly number[]>
>;

export interface Database {
  /** `embedded` owns its data directory; `server` is reached over HTTP. */
  readonly kind: 'embedded' | 'server';

  /** Rows of a SELECT. 64-bit integers come as strings, DateTime64 as RFC 3339 with nine digits. */
  query<Row>(sql: string, parameters?: QueryParameters, signal?: AbortSignal): Promise<Row[]>;

  /** DDL and other statements without rows. */
  command(sql: string, parameters?: QueryParameters): Promise<void>;

  /** Few rows, as objects. Resolves when they are durable. `token` makes a retry of the same rows harmless. */
  insert(table: string, rows: readonly object[], token?: string): Promise<void>;

  /** The hot path: newline-separated JSON rows as bytes, passed through as they are. */
  insertJsonLines(table: string, lines: Uint8Array, token?: string): Promise<void>;

  /** Resolves when the engine answers; throws a `Fault` of kind `transient` when it does not. */
  ping(): Promise<void>;

  close(): Promise<void>;
}
