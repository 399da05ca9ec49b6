/** Answers what people ask in SQL: checks that it is a question, runs it where nothing can be written, one at a time. */

import { Fault, isFault } from '../../contract/fault.ts';
import { SQL_FORMATS, type SqlDesk, type SqlQuestion } from '../../contract/sql.ts';
import { Gate } from '../../lib/gate.ts';
import type { Database } from '../database.ts';
import { clickHouseCode, engineMessage, isAboutTheStatement } from '../engine/clickhouse-fault.ts';
import { COMPUTING_CATEGORIES, COMPUTING_OTHERS, COMPUTING_TABLES } from './functions.ts';
import { refusalOf, type Vocabulary } from './statement.ts';

/** So that reports, of which at most two run, always have a place. */
const AT_ONCE = 1;
const WAITING_MAX = 16;
const RETRY_AFTER_MS = 10_000;

/** Codes of ClickHouse for what asks too much, and what to do then. */
const LIMITS: ReadonlyMap<number, string> = new Map([
  [159, 'It took too long: ask of a shorter time (`started_at >= …`), or for fewer columns.'],
  [160, 'It would take too long: ask of a shorter time (`started_at >= …`), or for fewer columns.'],
  [241, 'It needs too much memory: ask of a shorter time, or group by less.'],
  [396, 'Its answer is too large: add a LIMIT, or group.'],
]);

const FORMAT_AT_END = /\sFORMAT\s+\w+$/;

export function createSqlDesk(database: Database): SqlDesk {
  const gate = new Gate(AT_ONCE);
  let waiting = 0;
  let vocabulary: Promise<Vocabulary> | null = null;

  const learnt = (): Promise<Vocabulary> => {
    vocabulary ??= readVocabulary(database).catch((error: unknown) => {
      vocabulary = null;
      throw error;
    });
    return vocabulary;
  };

  const answer = async ({ sql, format }: SqlQuestion): Promise<Uint8Array> => {
    const question = await parsed(database, sql);
    const refusal = refusalOf(question, await learnt());
    if (refusal !== null) throw wrong(refusal);
    try {
      return await database.answer(question, SQL_FORMATS[format]);
    } catch (error) {
      throw faultOf(error);
    }
  };

  return {
    ask: async (question) => {
      if (waiting >= WAITING_MAX)
        throw new Fault('overloaded', `${WAITING_MAX} questions in SQL wait already.`, {
          retryAfterMs: RETRY_AFTER_MS,
        });
      waiting++;
      try {
        return await gate.run(() => answer(question));
      } finally {
        waiting--;
      }
    },
  };
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

async function readVocabulary(database: Database): Promise<Vocabulary> {
  const [functions, tableFunctions, columns, databases] = await Promise.all([
    database.query<{ name: string }>(
      `SELECT name FROM system.functions
       WHERE NOT is_aggregate AND if(alias_to = '', name, alias_to) NOT IN (
         SELECT name FROM system.functions WHERE categories IN {categories:Array(String)} OR name IN {others:Array(String)})`,
      { categories: [...COMPUTING_CATEGORIES, ...UNKNOWN_CATEGORY[database.kind]], others: COMPUTING_OTHERS },
    ),
    database.query<{ name: string }>(
      'SELECT name FROM system.table_functions WHERE name NOT IN {tables:Array(String)}',
      { tables: COMPUTING_TABLES },
    ),
    database.query<{ name: string }>('SELECT DISTINCT name FROM system.columns WHERE database = currentDatabase()'),
    database.query<{ name: string }>('SELECT name FROM system.databases WHERE name != currentDatabase()'),
  ]);
  return {
    functions: lowerCase(functions),
    tableFunctions: lowerCase(tableFunctions),
    columns: new Set(columns.map(({ name }) => name)),
    databases: lowerCase(databases),
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
