/**
 * Whether what somebody wrote is a question and nothing else: one SELECT over the tables of Plumbline. The engine's read-only
 * mode refuses most of what it should; but embedded in a process of its own user, it reads any file for `file()`, writes one
 * for `INTO OUTFILE`, and asks other machines for `s3()`. Pure.
 */

/** What the engine says of itself. */
export interface Vocabulary {
  /** In lower case: functions that can do more than compute from what they are given. */
  readonly functions: ReadonlySet<string>;
  /** The same of functions that stand in the place of a table. */
  readonly tableFunctions: ReadonlySet<string>;
  /** Of our tables: one may have the name of such a function. */
  readonly columns: ReadonlySet<string>;
  /** In lower case: those that are not ours. */
  readonly databases: ReadonlySet<string>;
}

/** What the engine itself says of its tables and columns, for tools that look first. In lower case. */
const READABLE_ELSEWHERE: ReadonlySet<string> = new Set([
  'system.one',
  'system.numbers',
  'system.tables',
  'system.columns',
  'system.databases',
  'system.functions',
  'system.data_type_families',
  'system.time_zones',
  'information_schema.tables',
  'information_schema.columns',
  'information_schema.schemata',
]);

/** A text, a quoted name, a name or number, or one other character. What is left out is white space. */
const TOKEN = /'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"|[\p{L}\p{N}_$]+|[^\s]/gsu;

/**
 * Why it may not be asked; null when it may. `canonical`: as the engine's own parser writes it, so that it is one statement
 * without comments, and its quotes and parentheses are closed.
 */
export function refusalOf(
  canonical: string,
  { functions, tableFunctions, columns, databases }: Vocabulary,
): string | null {
  const tokens = canonical.match(TOKEN) ?? [];
  for (const [index, token] of tokens.entries()) {
    if (token.startsWith("'")) continue;
    const next = tokens[index + 1];
    if (token === '{') return 'It has a placeholder, and there is nothing to fill it: write the value itself.';
    if (token.toLowerCase() === 'settings') return 'Settings cannot be changed by a question.';
    const name = nameIn(token);
    const lowerCase = name.toLowerCase();
    if (next === '.' && databases.has(lowerCase)) {
      const table = `${lowerCase}.${nameIn(tokens[index + 2] ?? '').toLowerCase()}`;
      if (!READABLE_ELSEWHERE.has(table))
        return `${name}.${nameIn(tokens[index + 2] ?? '')} is not readable here${readableIn(lowerCase)}.`;
    }
    // A function goes by its name alone where it is handed to another.
    const isRefused =
      next === '('
        ? functions.has(lowerCase) || tableFunctions.has(lowerCase)
        : functions.has(lowerCase) && !columns.has(name);
    if (isRefused)
      return `${name} is not available: it can do more than compute. If it is meant as a name, choose another.`;
  }
  return null;
}

function readableIn(database: string): string {
  const tables = [...READABLE_ELSEWHERE].filter((table) => table.startsWith(`${database}.`));
  return tables.length === 0 ? '' : `, but ${tables.join(', ')}`;
}

function nameIn(token: string): string {
  if (!token.startsWith('`') && !token.startsWith('"')) return token;
  return token
    .slice(1, -1)
    .replaceAll(/\\(.)|``|""/gs, (whole, escaped: string | undefined) => escaped ?? whole.slice(1));
}
