/** Answers what people ask in SQL: checks that it is a question, runs it where nothing can be written, one at a time. */

import { Fault, isFault } from '../../contract/fault.ts';
import { SQL_FORMATS, type SqlDesk, type SqlQuestion } from '../../contract/sql.ts';
import { Gate } from '../../lib/gate.ts';
import type { Database } from '../database.ts';
import { clickHouseCode, engineMessage, isAboutTheStatement } from '../engine/clickhouse-fault.ts';
import { COMPUTING_CATEGORIES, COMPUTING_OTHERS, COMPUTING_TABLES, NEVER_ENDING } from './functions.ts';
import { ZonesInUse } from '../zones-in-use.ts';
import { refusalOf, type Vocabulary } from './statement.ts';

/** So that reports, of which at most two run, always have a place. */
const AT_ONCE = 1;
const WAITING_MAX = 16;
const RETRY_AFTER_MS = 10_000;
/** The engine ends it after 30 s, unless it is within a block of rows: then nobody can, and its asker is told so. */
const ANSWER_MS = 40_000;
/** For how long one waits for its turn. */
const WAIT_MS = 60_000;

/** Codes of ClickHouse for what asks too much, and what to do then. */
const LIMITS: ReadonlyMap<number, string> = new Map([
  [159, 'It took too long: ask of a shorter time (`started_at >= …`), or for fewer columns.'],
  [160, 'It would take too long: ask of a shorter time (`started_at >= …`), or for fewer columns.'],
  [241, 'It needs too much memory: ask of a shorter time, or group by less.'],
  [396, 'Its answer is too large: add a LIMIT, or group.'],
]);

const FORMAT_AT_END = /\sFORMAT\s+\w+$/;

export interface SqlPatience {
  readonly answerMs?: number;
  readonly waitMs?: number;
}

export function createSqlDesk(
  database: Database,
  { answerMs = ANSWER_MS, waitMs = WAIT_MS }: SqlPatience = {},
): SqlDesk {
  const gate = new Gate(AT_ONCE);
  const zones = new ZonesInUse();
  let waiting = 0;
  let vocabulary: Promise<Omit<Vocabulary, 'databases'>> | null = null;

  const learnt = async (): Promise<Vocabulary> => {
    vocabulary ??= readVocabulary(database).catch((error: unknown) => {
      vocabulary = null;
      throw error;
    });
    // A server gets others meanwhile.
    return { ...(await vocabulary), databases: await otherDatabases(database) };
  };

  const answer = async ({ sql, format }: SqlQuestion, gone?: AbortSignal): Promise<Uint8Array> => {
    const question = await parsed(database, sql);
    const named = new Set<string>();
    const refusal = refusalOf(question, await learnt(), named);
    if (refusal !== null) throw wrong(refusal);
    const tooMany = zones.refusal(named);
    if (tooMany !== null) throw wrong(tooMany.message, tooMany.hint);
    try {
      gone?.throwIfAborted();
      return await database.answer(question, SQL_FORMATS[format], gone);
    } catch (error) {
      throw faultOf(error);
    }
  };

  /** Its place is taken until the engine is done, also where its asker waits no longer. */
  const inTurn = (question: SqlQuestion, patience: AbortSignal, gone?: AbortSignal): Promise<Uint8Array> => {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    let timer: NodeJS.Timeout | undefined;
    gate
      .run(
        () => {
          timer = setTimeout(() => reject(unstoppable()), answerMs);
          return answer(question, gone);
        },
        gone === undefined ? patience : AbortSignal.any([patience, gone]),
      )
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        waiting--;
      });
    return promise;
  };

  return {
    ask: async (question, gone) => {
      if (waiting >= WAITING_MAX) throw overloaded(`${WAITING_MAX} questions in SQL wait already.`);
      const patience = AbortSignal.timeout(waitMs);
      waiting++;
      try {
        return await inTurn(question, patience, gone);
      } catch (error) {
        throw error === patience.reason ? overloaded('Other questions in SQL are still being answered.') : error;
      }
    },
  };
}

function overloaded(message: string): Fault {
  return new Fault('overloaded', message, { retryAfterMs: RETRY_AFTER_MS });
}

function unstoppable(): Fault {
  return wrong(
    'It took too long, and the engine is still busy with it.',
    'Ask for fewer rows; what works on long texts or arrays does so for each of them.',
  );
}

/** As the engine's parser writes it. A `Fault` for what is not one SELECT. */
async function parsed(database: Database, sql: string): Promise<string> {
  const canonical = await formatted(database, sql);
  const question = canonical.replace(FORMAT_AT_END, '');
  try {
    // What can stand in parentheses asks: no INSERT, no SET, no INTO OUTFILE.
    await formatted(database, `SELECT * FROM (${question})`);
  } catch (error) {
    if (!isFault(error) || error.field === undefined) throw error;
    throw wrong(
      'It is not a SELECT, or does more than that.',
      'Only questions are answered: SELECT …, WITH … SELECT ….',
    );
  }
  if (question === canonical) return question;
  throw wrong('The format of the answer is not a part of the question.', FORMAT_HINT);
}

const FORMAT_HINT = 'Say it beside it: `format` of the request, --format of `plumbline sql`.';

async function formatted(database: Database, sql: string): Promise<string> {
  try {
    const [row] = await database.query<{ text: string }>('SELECT formatQuerySingleLine({sql:String}) AS text', { sql });
    return row?.text ?? '';
  } catch (error) {
    throw faultOf(error);
  }
}

/** An older server does not say what its functions are for; unlike the embedded engine it confines what they reach. */
const UNKNOWN_CATEGORY = { embedded: [], server: [''] } as const;

async function otherDatabases(database: Database): Promise<Vocabulary['databases']> {
  return lowerCase(
    await database.query<{ name: string }>('SELECT name FROM system.databases WHERE name != currentDatabase()'),
  );
}

async function readVocabulary(database: Database): Promise<Omit<Vocabulary, 'databases'>> {
  const [functions, tableFunctions, columns, aliases, zones] = await Promise.all([
    database.query<{ name: string }>(
      `SELECT name FROM system.functions
       WHERE NOT is_aggregate AND if(alias_to = '', name, alias_to) NOT IN (
         SELECT name FROM system.functions
         WHERE (categories IN {categories:Array(String)} AND name NOT IN {never:Array(String)}) OR name IN {others:Array(String)})`,
      {
        categories: [...COMPUTING_CATEGORIES, ...UNKNOWN_CATEGORY[database.kind]],
        others: COMPUTING_OTHERS,
        never: NEVER_ENDING,
      },
    ),
    database.query<{ name: string }>(
      'SELECT name FROM system.table_functions WHERE name NOT IN {tables:Array(String)}',
      { tables: COMPUTING_TABLES },
    ),
    database.query<{ name: string }>('SELECT DISTINCT name FROM system.columns WHERE database = currentDatabase()'),
    database.query<{ name: string; of: string }>(
      "SELECT lower(name) AS name, lower(alias_to) AS of FROM system.functions WHERE alias_to != ''",
    ),
    database.query<{ name: string }>('SELECT time_zone AS name FROM system.time_zones'),
  ]);
  return {
    functions: lowerCase(functions),
    tableFunctions: lowerCase(tableFunctions),
    columns: new Set(columns.map(({ name }) => name)),
    aliases: new Map(aliases.map(({ name, of }) => [name, of])),
    zones: new Set(zones.map(({ name }) => name)),
  };
}

function lowerCase(rows: readonly { readonly name: string }[]): ReadonlySet<string> {
  return new Set(rows.map(({ name }) => name.toLowerCase()));
}

/** What is wrong with the question is its asker's; the rest is the store's. */
function faultOf(error: unknown): unknown {
  const code = clickHouseCode(error);
  if (code === null) return error;
  const hint = LIMITS.get(code);
  return hint === undefined && !isAboutTheStatement(code) ? error : wrong(engineMessage(error), hint);
}

function wrong(message: string, hint?: string): Fault {
  return new Fault('permanent', message, { field: 'query', ...(hint !== undefined && { hint }) });
}
