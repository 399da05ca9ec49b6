/** Questions that people write in SQL themselves. */

/** How an answer may be written, and what that is called in ClickHouse. */
export const SQL_FORMATS = {
  json: 'JSON',
  compact: 'JSONCompact',
  ndjson: 'JSONEachRow',
  csv: 'CSVWithNames',
  tsv: 'TSVWithNames',
  parquet: 'Parquet',
  arrow: 'Arrow',
} as const;
export type SqlFormat = keyof typeof SQL_FORMATS;

export interface SqlQuestion {
  /** One SELECT, at most `SQL_CHARACTERS_MAX` long. */
  readonly sql: string;
  readonly format: SqlFormat;
}

export const SQL_CHARACTERS_MAX = 100_000;

export interface SqlDesk {
  /**
   * The answer as bytes. Nothing can be written by it, nor anything reached but the tables of Plumbline. Throws a `Fault`
   * with the field `query` for what is no such question, or asks for more than a limit; `overloaded` when too many wait.
   * `gone`: its asker waits no longer, so that it is not begun, or ends.
   */
  ask(question: SqlQuestion, gone?: AbortSignal): Promise<Uint8Array>;
}
