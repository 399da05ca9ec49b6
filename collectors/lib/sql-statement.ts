/** Turns `:name` in a configured statement into a driver's placeholders. Values never become part of the text. Pure. */

/** Strings, quoted names, comments and casts are passed over; what is left are parameters. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|::|:(?<name>[a-z_]+)/g;

export interface PreparedStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

export function parameterNames(statement: string): ReadonlySet<string> {
  return new Set([...statement.matchAll(TOKEN)].flatMap((match) => match.groups?.['name'] ?? []));
}

/** `numbered`: `$1`, `$2`, as PostgreSQL has them; else `?`. A name that has no value is null. */
export function prepareStatement(
  statement: string,
  values: Readonly<Record<string, unknown>>,
  numbered: boolean,
): PreparedStatement {
  const used: unknown[] = [];
  const text = statement.replaceAll(TOKEN, (token, ...rest: unknown[]) => {
    const { name } = rest.at(-1) as { readonly name?: string };
    if (name === undefined) return token;
    used.push(values[name] ?? null);
    return numbered ? `$${used.length}` : '?';
  });
  return { text, values: used };
}
