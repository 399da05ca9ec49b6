/** How a question is cut into pieces. Pure. */

/** A text, a quoted name, a name or number, or one other character. What is left out is white space. */
export const TOKEN = /'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"|[\p{L}\p{N}_$]+|[^\s]/gsu;

export function nameIn(token: string): string {
  if (!isQuotedName(token)) return token;
  return token
    .slice(1, -1)
    .replaceAll(/\\(.)|``|""/gs, (whole, escaped: string | undefined) => escaped ?? whole.slice(1));
}

export function isQuotedName(token: string): boolean {
  return token.startsWith('`') || token.startsWith('"');
}
