/**
 * Writes parameters into SQL as literals. The embedded engine keeps the parameters of all its
 * connections in one place and so runs parametrised queries one at a time; literals run in parallel.
 * A server gets real parameters. Both mean the same: the engine itself replaces `{name:Type}` by
 * `_CAST('value', 'Type')`. Pure.
 */

import type { QueryParameters } from '../database.ts';

const PLACEHOLDER = /\{([A-Za-z_]\w*):([^{}]+)\}/g;

/** The SQL with every placeholder replaced. Throws when a parameter is missing: that is a bug. */
export function inlineParameters(sql: string, parameters: QueryParameters): string {
  return sql.replace(PLACEHOLDER, (_, name: string, type: string) => {
    const value = parameters[name];
    if (value === undefined) throw new Error(`The query has a placeholder {${name}}, and no value for it was given.`);
    if (type.trim() === 'Identifier') throw new Error('Identifiers are not parameters here.');
    return `_CAST(${literal(isTime(type) ? basicTime(value) : value)}, ${quoteText(type.trim())})`;
  });
}

/**
 * Parameters as a server reads them. It parses a DateTime64 parameter by the basic rules, whatever
 * the settings say, so RFC 3339's `T` and `Z` go.
 */
export function serverParameters(sql: string, parameters: QueryParameters): Record<string, QueryParameters[string]> {
  const given: Record<string, QueryParameters[string]> = { ...parameters };
  for (const [, name = '', type = ''] of sql.matchAll(PLACEHOLDER)) {
    const value = parameters[name];
    if (value === undefined) throw new Error(`The query has a placeholder {${name}}, and no value for it was given.`);
    if (isTime(type)) given[name] = basicTime(value);
  }
  return given;
}

function literal(value: QueryParameters[string]): string {
  if (typeof value === 'string') return quoteText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return quoteText(String(value));
  return `[${value.map((item) => (typeof item === 'string' ? quoteText(item) : quoteText(String(item)))).join(', ')}]`;
}

/** A ClickHouse string literal: backslash and quote are its only special characters. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

const RFC3339_NANOS = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}\.\d{9})Z$/;

function isTime(type: string): boolean {
  return type.trim().startsWith('DateTime64');
}

function basicTime(value: QueryParameters[string]): QueryParameters[string] {
  return typeof value === 'string' ? value.replace(RFC3339_NANOS, '$1 $2') : value;
}
