/** ClickHouse settings that the store's code relies on, the same for the embedded engine and a server. */

import { randomUUID } from 'node:crypto';
import { Fault } from '../../contract/fault.ts';
import { formatBytes } from '../../lib/http.ts';

/** How values look in rows, in both directions, and what an insert promises. */
export const COMMON_SETTINGS = {
  date_time_output_format: 'iso',
  date_time_input_format: 'best_effort',
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  // A row of a newer replica may have columns that this table does not have yet.
  input_format_skip_unknown_fields: 1,
  // Half a surrogate pair, from a sender that cut a text in the middle of one: no reason to refuse a row.
  input_format_json_throw_on_bad_escape_sequence: 0,
  // Calls go to the month in which they began, and senders' clocks say any: beyond a hundred months the insert
  // would be refused each time it is tried, and all calls behind it would wait for ever.
  max_partitions_per_insert_block: '0',
  // One request is one insert, and it is on disk when it resolves.
  async_insert: 0,
  // Of INSERT … SELECT; for what else is inserted see `insertSettings`.
  insert_deduplicate: 0,
} as const;

/**
 * The embedded engine gets parameters as part of the text, and a page of hashes is long. It shares its
 * cores with the daemon: rows of one insert are parsed in one thread, which is the less work.
 */
export const EMBEDDED_SETTINGS = {
  ...COMMON_SETTINGS,
  max_query_size: 16_777_216,
  input_format_parallel_parsing: 0,
} as const;

/** Of an answer to a question that is not ours: before it is written in a format, and after. */
export const ANSWER_BYTES_MAX = 67_108_864;

/** Names of columns may be most of it, which the engine does not count. */
export function answerTooLarge(): Fault {
  const message = `The answer has more than ${formatBytes(ANSWER_BYTES_MAX)}.`;
  return new Fault('permanent', message, { field: 'query', hint: 'Add a LIMIT, or group; or ask for csv or parquet.' });
}

/** For questions that are not ours. `readonly`: nothing is written, and none of these can be changed by the question. */
export const READER_SETTINGS = {
  max_execution_time: 30,
  max_result_rows: '1000000',
  max_result_bytes: String(ANSWER_BYTES_MAX),
  result_overflow_mode: 'throw',
  // A core stays for what comes in.
  max_threads: 1,
  readonly: '1',
} as const;

/**
 * No insert is taken for the repeat of another. A table that is not replicated notes what it gets as known before
 * the rows are in it; killed or failed in between, it would drop the repeat and answer that all is well. Every row
 * has an identity instead. By a token of its own, since not every release of ClickHouse is told so by one setting.
 */
export function insertSettings(): Record<string, string> {
  return { insert_deduplication_token: randomUUID() };
}
