/**
 * Whether what somebody wrote is a question and nothing else: one SELECT over the tables of Plumbline. The engine's read-only
 * mode refuses most of what it should; but embedded in a process of its own user, it reads any file for `file()`, writes one
 * for `INTO OUTFILE`, and asks other machines for `s3()`. Pure.
 */

import { isQuotedName, nameIn, TOKEN } from './tokens.ts';
import { refusalOfTexts, refusalOfType, type Texts } from './type-texts.ts';

/** What the engine says of itself. */
export interface Vocabulary extends Texts {
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

/** A part of a column that has values of several types goes by its type. */
const TYPE_WITH_ZONE = /(?:datetime|timestamp|aggregatefunction)\w*\s*\(/i;

/**
 * Why it may not be asked; null when it may. `canonical`: as the engine's own parser writes it, so that it is one statement
 * without comments, and its quotes and parentheses are closed. The time zones that it names are added to `zonesNamed`.
 */
export function refusalOf(canonical: string, vocabulary: Vocabulary, zonesNamed = new Set<string>()): string | null {
  const { functions, tableFunctions, columns, databases, zones } = vocabulary;
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
    const refusal =
      refusalOfTexts(tokens, index, vocabulary, zonesNamed) ??
      (isQuotedName(token) && TYPE_WITH_ZONE.test(name) ? refusalOfType(name, zones, zonesNamed) : null);
    if (refusal !== null) return refusal;
  }
  return null;
}

function readableIn(database: string): string {
  const tables = [...READABLE_ELSEWHERE].filter((table) => table.startsWith(`${database}.`));
  return tables.length === 0 ? '' : `, but ${tables.join(', ')}`;
}
