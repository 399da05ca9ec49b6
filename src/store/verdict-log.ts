/** Every verdict given. The newest of each target is kept beside the history, which is long. */

import type { VerdictLog } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Judgement } from '../contract/verdict.ts';
import type { Database } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { jsonLines } from './json-lines.ts';

const BATCH_ROWS_MAX = 2_000;

interface Given {
  readonly judgement: Judgement;
  readonly at: Timestamp;
}

export function createVerdictLog(database: Database): VerdictLog {
  const append = groupCommit<Given>(BATCH_ROWS_MAX, async (judgements) => {
    for (let start = 0; start < judgements.length; start += BATCH_ROWS_MAX) {
      const lines = jsonLines(judgements.slice(start, start + BATCH_ROWS_MAX).map(toRow));
      await database.insertJsonLines('verdicts', lines);
      await database.insertJsonLines('latest_verdicts', lines);
    }
  });
  return {
    append,
    latest: async (targets) => {
      const rows = await database.query<{ at: Timestamp; document: string }>(
        `SELECT at, document FROM latest_verdicts FINAL
         ${targets === undefined ? '' : 'WHERE target IN {targets:Array(String)}'} ORDER BY target, part`,
        targets === undefined ? {} : { targets },
      );
      return rows.map((row) => ({ judgement: JSON.parse(row.document) as Judgement, at: row.at }));
    },
  };
}

function toRow({ judgement, at }: Given): object {
  const { target, part, prompt, environment, verdict, reason } = judgement;
  return { target, part, prompt, environment, verdict, reason, at, document: JSON.stringify(judgement) };
}
