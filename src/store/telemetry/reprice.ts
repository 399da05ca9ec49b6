/** Restates the cost of stored calls after a price was corrected. Nothing else about them changes. */

import { randomUUID } from 'node:crypto';
import type { PriceCall, Repriced } from '../../contract/invocation-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, earlierOf } from '../../lib/time.ts';
import type { Database } from '../database.ts';
import { startedBefore, startedSince } from './started.ts';
import { PRICED_COLUMNS, toStoredPrice, type PricedRow } from './priced-rows.ts';

interface CallRow extends PricedRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at: Timestamp;
}

// Of time, so that one step holds few calls whatever the traffic: half a million at 140 a second.
const STEP_MS = 3_600_000;
const ROWS_PER_INSERT = 50_000;
// Who waits for the answer wants to see that something happens.
const ANSWER_WITHIN_MS = 5_000;

/** `[from, to)`, as far as `forMs` allow. May be run again, or after a crash in the middle, without harm. */
export async function reprice(
  database: Database,
  from: Timestamp,
  to: Timestamp,
  priceOf: PriceCall,
  forMs = ANSWER_WITHIN_MS,
): Promise<Omit<Repriced, 'callsKeptSince'>> {
  const startMs = performance.now();
  let calls = 0;
  let changed = 0;
  for (let at: Timestamp | null = await nextCall(database, from, to); at !== null;) {
    const end: Timestamp = earlierOf(addMillis(at, STEP_MS), to);
    const rows = await readCalls(database, at, end);
    calls += rows.length;
    const corrected = rows.flatMap((row) => correctionOf(row, priceOf) ?? []);
    changed += corrected.length;
    if (corrected.length > 0) await restate(database, at, end, corrected);
    at = await nextCall(database, end, to);
    if (at !== null && performance.now() - startMs > forMs) return { calls, changed, next: at };
  }
  return { calls, changed, next: null };
}

type Correction = Pick<CallRow, 'trace_id' | 'span_id' | 'started_at'> & {
  readonly cost_usd: string | null;
  readonly price_id: string;
};

/** Null when the price is what it was. */
function correctionOf(row: CallRow, priceOf: PriceCall): Correction | null {
  const { trace_id, span_id, started_at } = row;
  const { of: call, price: before } = toStoredPrice(row);
  const price = priceOf({ ...call, startedAt: started_at });
  if (price?.priceId === before?.priceId && price?.costUsd === before?.costUsd) return null;
  return { trace_id, span_id, started_at, cost_usd: price?.costUsd ?? null, price_id: price?.priceId ?? '' };
}

const WITHIN = `${startedSince('from')} AND ${startedBefore('to')}`;

async function nextCall(database: Database, from: Timestamp, to: Timestamp): Promise<Timestamp | null> {
  if (from >= to) return null;
  const [row] = await database.query<{ rows: string; next: Timestamp }>(
    `SELECT count() AS rows, min(started_at) AS next FROM invocations WHERE ${WITHIN}`,
    { from, to },
  );
  return row === undefined || row.rows === '0' ? null : row.next;
}

function readCalls(database: Database, from: Timestamp, to: Timestamp): Promise<CallRow[]> {
  return database.query<CallRow>(
    `SELECT trace_id, span_id, started_at, ${PRICED_COLUMNS}
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
    await database.insert('restatements', some);
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
