/** `plumbline sql`: a question that no other verb answers. */

import { text } from 'node:stream/consumers';
import { Fault } from '../../contract/fault.ts';
import { SQL_FORMATS, type SqlFormat } from '../../contract/sql.ts';
import { daemonOf, needConfiguration, type CliContext } from '../context.ts';
import { styled, table, type Output } from '../output.ts';
import { textFlag, type Flags, type Verb } from '../verb.ts';

/** As ClickHouse's format JSONCompact has it. */
interface Answer {
  readonly meta: readonly { readonly name: string; readonly type: string }[];
  readonly data: readonly (readonly unknown[])[];
  readonly rows: number;
}

const FORMATS = ['table', ...(Object.keys(SQL_FORMATS) as SqlFormat[])] as const;
/** A terminal shows the beginning of a longer value. */
const CELL_CHARACTERS_SHOWN = 80;
/** Formats that no terminal shows. */
const BINARY: ReadonlySet<string> = new Set(['parquet', 'arrow']);

export const sql: Verb = {
  usage: 'sql <query>',
  summary:
    'Asks the store in SQL: one SELECT over calls and all else that is remembered (docs/sql.md). `-` reads it from standard input.',
  options: [
    ['--format <name>', `how to write the answer: ${FORMATS.join(', ')}`, 'table'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: [
    "sql 'SELECT prompt, version, sum(cost_usd) AS usd FROM calls GROUP BY prompt, version ORDER BY usd DESC'",
    'sql --format csv - < question.sql > answer.csv',
    "sql --format parquet 'SELECT * FROM calls WHERE started_at > now() - INTERVAL 1 DAY' > calls.parquet",
  ],
  run: async ([given = ''], flags, context) => {
    const { output } = context;
    const format = flags['json'] === true ? 'json' : formatNamed(textFlag(flags, 'format') ?? 'table');
    if (BINARY.has(format) && output.isTerminal)
      throw new Fault('config', `${format} is not for a terminal.`, { hint: 'Write it to a file: > answer.' + format });
    const query = given === '-' ? await text(process.stdin) : given;
    const answer = await ask(query, format === 'table' ? 'compact' : format, flags, context);
    if (format === 'json') output.json(parsed(answer));
    else if (format === 'table') show(parsed(answer) as Answer, output);
    else output.bytes(answer);
    return 0;
  },
};

function formatNamed(name: string): SqlFormat | 'table' {
  const format = FORMATS.find((each) => each === name);
  if (format !== undefined) return format;
  throw new Fault('config', `There is no format ${name}.`, { hint: `Choose one of ${FORMATS.join(', ')}.` });
}

/** Of the running daemon; when none runs, of the store itself. */
async function ask(query: string, format: SqlFormat, flags: Flags, context: CliContext): Promise<Uint8Array> {
  const client = await daemonOf(flags, context);
  if (textFlag(flags, 'url') !== undefined || (await client.isRunning()))
    return client.postForBytes('/api/v1/sql', { query, format });
  return context.toolbox.sql(await needConfiguration(flags, context), { sql: query, format });
}

function parsed(answer: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(answer));
}

function show({ meta, data, rows }: Answer, output: Output): void {
  const head = meta.map(({ name }) => styled(output, 'dim', name));
  output.print(table([head, ...data.map((row) => row.map(cell))]));
  output.note(rows === 1 ? '1 row' : `${rows} rows`);
}

function cell(value: unknown): string {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return shown.length > CELL_CHARACTERS_SHOWN ? `${shown.slice(0, CELL_CHARACTERS_SHOWN)}…` : shown;
}
