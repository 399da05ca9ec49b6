/** Single calls, with their content put together again, and how many calls a drift has touched. */

import type { AffectedContent, InvocationLog } from '../../contract/invocation-log.ts';
import type { TextLog } from '../../contract/store.ts';
import { OneAtATime } from '../../lib/one-at-a-time.ts';
import type { Database } from '../database.ts';
import { startedSince } from '../started.ts';
import { listCalls } from './call-list.ts';
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
  return {
    list: (filter, page) => listCalls(database, texts, filter, page, lookedAtRows),
    usage: (query) => queryUsage(database, query, { turns }),
    affected: async ({ prompt, environment, service, contents }) => {
      const [since] = contents.map((content) => content.since).toSorted();
      if (since === undefined) return 0;
      const [all] = await database.query<{ rows: string }>(
        `SELECT count() AS rows FROM invocations WHERE ${startedSince('since')}`,
        { since },
      );
      // With FINAL tens of millions take many seconds, while somebody waits for an alert. Without it
      // a call counts twice whose correction is not merged yet: few do.
      const final = Number(all?.rows) > exactRowsMax ? '' : 'FINAL';
      const [row] = await database.query<{ calls: string }>(
        `SELECT count() AS calls FROM invocations ${final}
         WHERE ${startedSince('since')} AND environment = {environment:String} AND is_deleted = 0
           ${service === undefined ? '' : 'AND service = {service:String}'}
           AND (${contents.map(hasContent).join(' OR ')})`,
        {
          prompt,
          environment,
          since,
          ...Object.fromEntries(contents.flatMap(contentParameters)),
          ...(service === undefined ? {} : { service }),
        },
      );
      return Number(row?.calls ?? 0);
    },
    reprice: (from, to, priceOf) => reprice(database, from, to, priceOf),
  };
}

/** A condition whose parameters are `contentParameters` of the same index. */
function hasContent({ until }: AffectedContent, index: number): string {
  return `(started_at >= {since${index}:DateTime64(9, 'UTC')}
    ${until === undefined ? '' : `AND started_at < {until${index}:DateTime64(9, 'UTC')}`}
    AND ((prompt_hash != '' AND prompt_hash = {promptHash${index}:String})
      OR (version != '' AND prompt = {prompt:String} AND version = {version${index}:String})))`;
}

function contentParameters(content: AffectedContent, index: number): readonly (readonly [string, string])[] {
  const { promptHash = '', version = '', since, until } = content;
  return [
    [`promptHash${index}`, promptHash],
    [`version${index}`, version],
    [`since${index}`, since],
    ...(until === undefined ? [] : [[`until${index}`, until] as const]),
  ];
}
