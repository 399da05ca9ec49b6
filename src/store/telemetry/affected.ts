/** How many calls a drift has touched, of all that ask at the same time with one look: many calls are gone through. */

import type { AffectedContent, AffectedQuery } from '../../contract/invocation-log.ts';
import type { Database, QueryParameters } from '../database.ts';
import { groupCommit } from '../group-commit.ts';
import { startedSince } from './started.ts';

/** Asked about with one query: as many as go into an address, in which a server gets its parameters. */
const CONTENTS_AT_ONCE = 100;

interface Question extends AffectedQuery {
  /** The earliest of its contents. */
  readonly since: AffectedContent['since'];
  calls: number;
}

/** Among more rows than `exactRowsMax` they are counted without looking for their newest row. */
export function affectedCounts(database: Database, exactRowsMax: number): (query: AffectedQuery) => Promise<number> {
  const count = groupCommit<{ readonly question: Question }>(CONTENTS_AT_ONCE, async (asked) => {
    const questions = new Set(asked.map(({ question }) => question));
    // A question about now does not go through the calls of a month because somebody else's does.
    for (const together of Map.groupBy(questions, ({ since }) => hourOf(since)).values()) {
      await countTogether(database, together, exactRowsMax);
    }
  });
  return async (query) => {
    const [since] = query.contents.map((content) => content.since).toSorted();
    if (since === undefined) return 0;
    const question: Question = { ...query, since, calls: 0 };
    await count(query.contents.map(() => ({ question })));
    return question.calls;
  };
}

async function countTogether(database: Database, questions: readonly Question[], exactRowsMax: number): Promise<void> {
  const [since = ''] = questions.map((question) => question.since).toSorted();
  const [all] = await database.query<{ rows: string }>(
    `SELECT count() AS rows FROM invocations WHERE ${startedSince('since')}`,
    { since },
  );
  const rows = Number(all?.rows ?? 0);
  if (rows === 0) return;
  // With FINAL tens of millions take many seconds, while somebody waits for an alert. Without it
  // a call counts twice whose correction is not merged yet: few do.
  const final = rows > exactRowsMax ? '' : 'FINAL';
  const conditions = questions.map(conditionOf);
  const [row] = await database.query<{ calls: readonly string[] }>(
    `SELECT [${conditions.map((condition) => `countIf(${condition})`).join(', ')}] AS calls
     FROM invocations ${final}
     WHERE ${startedSince('since')} AND is_deleted = 0 AND (${conditions.join(' OR ')})`,
    { since, ...Object.assign({}, ...questions.map(parametersOf)) },
  );
  for (const [index, question] of questions.entries()) question.calls = Number(row?.calls[index] ?? 0);
}

/** Its parameters are `parametersOf` the same index. */
function conditionOf({ service, contents }: Question, question: number): string {
  const ofService = service === undefined ? '' : `AND service = {service${question}:String}`;
  const isTouched = contents.map(({ until }, index) => {
    const of = `${question}_${index}`;
    return `(started_at >= {since${of}:DateTime64(9, 'UTC')}
      ${until === undefined ? '' : `AND started_at < {until${of}:DateTime64(9, 'UTC')}`}
      AND ((prompt_hash != '' AND prompt_hash = {promptHash${of}:String})
        OR (version != '' AND prompt = {prompt${question}:String} AND version = {version${of}:String})))`;
  });
  return `environment = {environment${question}:String} ${ofService} AND (${isTouched.join(' OR ')})`;
}

function parametersOf({ prompt, environment, service, contents }: Question, question: number): QueryParameters {
  const ofContents = contents.flatMap(({ promptHash = '', version = '', since, until }, index) => {
    const of = `${question}_${index}`;
    return [
      [`promptHash${of}`, promptHash],
      [`version${of}`, version],
      [`since${of}`, since],
      ...(until === undefined ? [] : [[`until${of}`, until] as const]),
    ] as const;
  });
  return {
    [`prompt${question}`]: prompt,
    [`environment${question}`]: environment,
    ...(service === undefined ? {} : { [`service${question}`]: service }),
    ...Object.fromEntries(ofContents),
  };
}

function hourOf(time: string): string {
  return time.slice(0, 13);
}
