/** Restates the cost of stored calls after a price was corrected. Nothing else about them changes. */

import { randomUUID } from 'node:crypto';
import type { CallPrice, PriceCall } from '../../contract/invocation-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis } from '../../lib/time.ts';
import type { Database } from '../database.ts';

interface PricedRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at: Timestamp;
  readonly provider: string;
  readonly request_model: string;
  readonly response_model: string;
  readonly input: number | null;
  readonly output: number | null;
  readonly cache_read: number | null;
  readonly cache_write: number | null;
  readonly reasoning: number | null;
  readonly reported_cost_usd: string | null;
  readonly cost_usd: string | null;
  readonly price_id: string;
}

// Of time, so that one step holds few calls whatever the traffic: half a million at 140 a second.
const STEP_MS = 3_600_000;
const ROWS_PER_INSERT = 50_000;

/** `[from, to)`. May be run again, or after a crash in the middle, without harm. */
export async function reprice(
  database: Database,
  from: Timestamp,
  to: Timestamp,
  priceOf: PriceCall,
): Promise<{ readonly calls: number; readonly changed: number }> {
  let calls = 0;
  let changed = 0;
  for (let at: Timestamp | null = await nextCall(database, from, to); at !== null;) {
    const end: Timestamp = earlier(addMillis(at, STEP_MS), to);
    const rows = await readCalls(database, at, end);
    calls += rows.length;
    const corrected = rows.flatMap((row) => correctionOf(row, priceOf) ?? []);
    changed += corrected.length;
    if (corrected.length > 0) await restate(database, at, end, corrected);
    at = await nextCall(database, end, to);
  }
  return { calls, changed };
}

type Correction = Pick<PricedRow, 'trace_id' | 'span_id' | 'started_at'> & {
  readonly cost_usd: string | null;
  readonly price_id: string;
};

/** Null when the price is what it was. */
function correctionOf(row: PricedRow, priceOf: PriceCall): Correction | null {
  const { input, output, cache_read: cacheRead, cache_write: cacheWrite, reasoning } = row;
  const price: CallPrice | null = priceOf({
    provider: row.provider,
    requestModel: row.request_model,
    responseModel: row.response_model,
    startedAt: row.started_at,
    tokens: { input, output, cacheRead, cacheWrite, reasoning },
    reportedCostUsd: row.reported_cost_usd,
  });
  const isSame = row.price_id === (price?.priceId ?? '') && sameAmount(row.cost_usd, price?.costUsd ?? null);
  if (isSame) return null;
  const { trace_id, span_id, started_at } = row;
  return { trace_id, span_id, started_at, cost_usd: price?.costUsd ?? null, price_id: price?.priceId ?? '' };
}

/** The store drops zeros at the end. */
function sameAmount(stored: string | null, computed: string | null): boolean {
  if (stored === null || computed === null) return stored === computed;
  return withoutTrailingZeros(stored) === withoutTrailingZeros(computed);
}

function withoutTrailingZeros(amount: string): string {
  return amount.includes('.') ? amount.replace(/\.?0+$/, '') : amount;
}

const WITHIN = `started_at >= {from:DateTime64(9, 'UTC')} AND started_at < {to:DateTime64(9, 'UTC')}
  AND toStartOfHour(started_at) >= toStartOfHour({from:DateTime64(9, 'UTC')})
  AND toStartOfHour(started_at) <= toStartOfHour({to:DateTime64(9, 'UTC')})`;

async function nextCall(database: Database, from: Timestamp, to: Timestamp): Promise<Timestamp | null> {
  if (from >= to) return null;
  const [row] = await database.query<{ rows: string; next: Timestamp }>(
    `SELECT count() AS rows, min(started_at) AS next FROM invocations WHERE ${WITHIN}`,
    { from, to },
  );
  return row === undefined || row.rows === '0' ? null : row.next;
}

function readCalls(database: Database, from: Timestamp, to: Timestamp): Promise<PricedRow[]> {
  return database.query<PricedRow>(
    `SELECT trace_id, span_id, started_at, provider, request_model, response_model,
       toFloat64(input_tokens) AS input, toFloat64(output_tokens) AS output,
       toFloat64(cache_read_tokens) AS cache_read, toFloat64(cache_write_tokens) AS cache_write,
       toFloat64(reasoning_tokens) AS reasoning, reported_cost_usd, cost_usd, price_id
     FROM invocations FINAL WHERE ${WITHIN} AND is_deleted = 0`,
    { from, to },
  );
}

/**
 * Writes the calls anew with a revision that is higher by one: whatever was settled meanwhile has
 * a revision of its own time, which is higher still, and stays.
 */
async function restate(database: Database, from: Timestamp, to: Timestamp, rows: readonly Correction[]): Promise<void> {
  const run = randomUUID();
  for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
    const some = rows.slice(start, start + ROWS_PER_INSERT).map((row) => ({ run, ...row }));
    await database.insert('restatements', some, `${run}-${start}`);
  }
  await database.command(
    `INSERT INTO invocations
     SELECT calls.* REPLACE (
       corrected.cost_usd AS cost_usd, corrected.price_id AS price_id, calls.revision + 1 AS revision)
     FROM (SELECT * FROM invocations FINAL WHERE ${WITHIN} AND is_deleted = 0) AS calls
     INNER JOIN (
       SELECT trace_id, span_id, started_at, cost_usd, price_id FROM restatements WHERE run = {run:String}
     ) AS corrected
     ON calls.trace_id = corrected.trace_id AND calls.span_id = corrected.span_id
       AND calls.started_at = corrected.started_at`,
    { from, to, run },
  );
}

function earlier(a: Timestamp, b: Timestamp): Timestamp {
  return a < b ? a : b;
}
