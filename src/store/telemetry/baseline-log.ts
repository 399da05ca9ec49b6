/** What is known of means that the registry declares. What is written again has the same key, and counts once. */

import type { BaselineLog, BaselineStatus } from '../../contract/baseline-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Database } from '../database.ts';
import { jsonLines } from '../json-lines.ts';

/** In the order of the table's key. */
export const BASELINE_SERIES = 'prompt, environment, version, metric';

export function createBaselineLog(database: Database): BaselineLog {
  return {
    keepStatuses: async (statuses) => {
      const rows = statuses.map((status) => {
        return { ...status.series, at: status.at, state: status.state, document: JSON.stringify(status) };
      });
      if (rows.length > 0) await database.insertJsonLines('baseline_statuses', jsonLines(rows));
    },
    statuses: async () => {
      const rows = await database.query<{ at: Timestamp; document: string }>(
        `SELECT at, document FROM baseline_statuses FINAL ORDER BY ${BASELINE_SERIES}`,
      );
      return rows.map(({ at, document }) => ({ ...(JSON.parse(document) as BaselineStatus), at }));
    },
  };
}
