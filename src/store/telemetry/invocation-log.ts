/** Single calls, with their content put together again, and how many calls a drift has touched. */

import { Fault } from '../../contract/fault.ts';
import type { InvocationLog, UsageQuery } from '../../contract/invocation-log.ts';
import type { TextLog } from '../../contract/store.ts';
import { OneAtATime } from '../../lib/one-at-a-time.ts';
import type { Database } from '../database.ts';
import { ZonesInUse } from '../zones-in-use.ts';
import { affectedCounts } from './affected.ts';
import { listCalls } from './call-list.ts';
import { readKeptSince } from './dropped-months.ts';
import { queryMeans } from './means.ts';
import { reprice } from './reprice.ts';
import { queryUsage } from './usage.ts';

// Up to so many rows are gone through one by one, a second's work; see `affected`.
const EXACT_ROWS_MAX = 1_000_000;
// The same, of the columns that a filter needs.
const LOOKED_AT_ROWS = 2_000_000;

export interface InvocationLogLimits {
  /** Among more rows than these, calls are counted without looking for their newest row. */
  readonly exactRowsMax?: number;
  /** Rows that are gone through for one page, and the rest of the hour in which the last of them is. */
  readonly lookedAtRows?: number;
}

export function createInvocationLog(
  database: Database,
  texts: TextLog,
  { exactRowsMax = EXACT_ROWS_MAX, lookedAtRows = LOOKED_AT_ROWS }: InvocationLogLimits = {},
): InvocationLog {
  const turns = new OneAtATime();
  const zones = new ZonesInUse();
  return {
    list: (filter, page) => listCalls(database, texts, filter, page, lookedAtRows),
    usage: async (query) => {
      if (database.kind === 'embedded') assertZoneIsUsable(query, zones);
      return queryUsage(database, query, { turns });
    },
    means: (query) => queryMeans(database, query, { turns }),
    affected: affectedCounts(database, exactRowsMax),
    reprice: async (from, to, priceOf) => {
      const callsKeptSince = await readKeptSince(database, from);
      return { ...(await reprice(database, from, to, priceOf)), callsKeptSince };
    },
  };
}

/** Of days alone a zone is asked. */
function assertZoneIsUsable({ groupBy, timeZone }: UsageQuery, zones: ZonesInUse): void {
  const isAsked = timeZone !== undefined && timeZone !== 'UTC' && groupBy.includes('day');
  const refusal = isAsked ? zones.refusal([timeZone]) : null;
  if (refusal !== null) throw new Fault('permanent', refusal.message, { field: 'timezone', hint: refusal.hint });
}
