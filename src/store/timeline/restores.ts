/** Reads what was commanded to be put back, as evidence of who did it. */

import type { RestoreRecord } from '../../contract/restore-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { Database } from '../database.ts';

/** People command them, so there are few; of more, the newest. */
const RESTORES_MAX = 1_000;

/** Oldest first, as they were commanded, before anything was written: so an answer with `known_at` stays what it was. */
export async function readRestores(
  database: Database,
  question: { readonly prompt: string; readonly environment: string; readonly knownAt: Timestamp },
): Promise<readonly RestoreRecord[]> {
  const rows = await database.query<{ document: string }>(
    `SELECT document FROM restores
     WHERE prompt = {prompt:String} AND environment = {environment:String} AND result = 'begun'
       AND begun_at <= {knownAt:DateTime64(9, 'UTC')}
     ORDER BY begun_at DESC, id LIMIT 1 BY id LIMIT ${RESTORES_MAX}`,
    { prompt: question.prompt, environment: question.environment, knownAt: question.knownAt },
  );
  return rows.map(({ document }) => JSON.parse(document) as RestoreRecord).toReversed();
}
