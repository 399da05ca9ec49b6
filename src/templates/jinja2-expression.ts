/**
 * Jinja2 expressions: what an expression can print, and which names it needs. The grammar is that
 * of `@huggingface/jinja`, the parser that chat templates run on: on 4,563 real templates it
 * refused 4 that Jinja2 accepts, nunjucks' 548. What it refuses is given to nunjucks before it is
 * called an error.
 */

import { parse, tokenize } from '@huggingface/jinja';
import nunjucks from 'nunjucks';

import { choice, gap, literal, printedNodes } from './template.ts';
import type { TemplateNodes } from './template.ts';

/** A node of the library's syntax tree; it exports no types for them. */
export interface Syntax {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Names whose text is known, e.g. from `{% set %}`; null for a name that is bound to something unknown. */
export type Bindings = Pick<ReadonlyMap<string, TemplateNodes | null>, 'get'>;

// What every environment provides, so that no caller has to.
const GLOBALS: ReadonlySet<string> = new Set(
  'range dict lipsum cycler joiner namespace loop super caller varargs kwargs self true false none True False None'.split(
    ' ',
  ),
);

const SIMPLE_PATH = /^(?!(?:not|true|false|none|if|in|is|and|or)\b)[a-z_]\w*(?:\.[a-z_]\w*)*$/i;

const TEST_WITH_ARGUMENT = /\bis\s+(?:not\s+)?[a-z_]\w*\s+(?=[\w"'[({-])(?!(?:and|or|not|if|else|is|in)\b)/gi;

/** The first node of a piece of source, `undecided` if only nunjucks can read it, or why neither can. */
export function parseSyntax(source: string): Syntax | 'undecided' | { readonly problem: string } {
  try {
    const [first] = parse(tokenize(source)).body;
    return first === undefined ? { problem: 'An expression is missing' } : (first as object as Syntax);
  } catch (error) {
    const { parser } = nunjucks as unknown as { parser: { parse(source: string): unknown } };
    // Jinja2 prints a bare tuple, which neither parser reads without its parentheses, and a test may
    // have an argument without any (`is divisibleby 3`), which reads like a comparison.
    const readable = source.replace(/^\{\{(.*)\}\}$/s, '{{ ($1) }}').replace(TEST_WITH_ARGUMENT, '== ');
    try {
      parser.parse(readable);
      return 'undecided';
    } catch {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** `user.name`, `items`: nine of ten expressions, and no parser is needed for them. */
export function isSimplePath(source: string): boolean {
  return SIMPLE_PATH.test(source);
}

/** What printing this expression can give. */
export function printed(syntax: Syntax, source: string, bindings: Bindings): TemplateNodes {
  const known = knownText(syntax, bindings);
  return known === null ? [gap(source)] : printedNodes(known);
}

/** The text of an expression as far as the source tells; null when it could be anything. */
function knownText(syntax: Syntax, bindings: Bindings): TemplateNodes | null {
  const part = (field: string): Syntax => syntax[field] as Syntax;
  const orGap = (inner: Syntax): TemplateNodes => knownText(inner, bindings) ?? [gap(inner.type)];
  switch (syntax.type) {
    case 'StringLiteral':
      return [literal(String(syntax['value']))];
    case 'IntegerLiteral':
      return Number.isSafeInteger(syntax['value']) ? [literal(String(syntax['value']))] : null;
    case 'Identifier':
      return bindings.get(String(syntax['value'])) ?? null;
    case 'Ternary':
      return [choice(orGap(part('trueExpr')), orGap(part('falseExpr')))];
    case 'SelectExpression':
      return [choice(orGap(part('lhs')), [])];
    case 'BinaryExpression':
      return joinedText(part('left'), part('right'), String((syntax['operator'] as Syntax)['value']), bindings);
    case 'MemberExpression':
      return part('property').type === 'SliceExpression' ? null : elementText(part('object'), bindings);
    default:
      return null;
  }
}

/** `~` always joins; `+` joins only where one side is certainly a string, and adds numbers. */
function joinedText(left: Syntax, right: Syntax, operator: string, bindings: Bindings): TemplateNodes | null {
  const a = knownText(left, bindings);
  const b = knownText(right, bindings);
  const isString = (syntax: Syntax, known: TemplateNodes | null): boolean =>
    syntax.type === 'StringLiteral' || (known !== null && isNoNumber(known));
  const joins = operator === '~' || (operator === '+' && (isString(left, a) || isString(right, b)));
  if (!joins || (a === null && b === null)) return null;
  return [...(a ?? [gap(left.type)]), ...(b ?? [gap(right.type)])];
}

/** Whether these can't be a number, which `{% set %}` may have bound as well as a string of digits. */
function isNoNumber(nodes: TemplateNodes): boolean {
  return nodes.some((node) => {
    if (node.kind === 'literal') return /[^0-9]/.test(node.text);
    return node.kind === 'choice' && node.branches.length > 0 && node.branches.every(isNoNumber);
  });
}

/** `["No", "Yes"][label]` prints one of its elements, or nothing for an index that does not exist. */
function elementText(object: Syntax, bindings: Bindings): TemplateNodes | null {
  if (object.type !== 'ArrayLiteral' && object.type !== 'TupleLiteral') return null;
  const elements = (object['value'] as readonly Syntax[]).map((element) => knownText(element, bindings));
  return elements.some((element) => element === null) ? null : [choice(...(elements as TemplateNodes[]), [])];
}

/** Names that the expression reads and the environment does not provide, in order of first use. */
export function namesRead(syntax: Syntax, names: Set<string> = new Set()): Set<string> {
  if (syntax.type === 'Identifier') {
    const name = String(syntax['value']);
    if (!GLOBALS.has(name)) names.add(name);
    return names;
  }
  for (const [field, value] of Object.entries(syntax)) {
    if (isNameOfSomethingElse(syntax, field)) continue;
    for (const inner of innerSyntax(value)) namesRead(inner, names);
  }
  // A filter with arguments is a call: its name is not read, its arguments are.
  const filter = syntax['filter'] as Syntax | undefined;
  for (const argument of innerSyntax(filter?.['args'])) namesRead(argument, names);
  return names;
}

function isNameOfSomethingElse(syntax: Syntax, field: string): boolean {
  if (syntax.type === 'MemberExpression') return field === 'property' && syntax['computed'] !== true;
  if (syntax.type === 'TestExpression') return field === 'test';
  return (syntax.type === 'KeywordArgumentExpression' && field === 'key') || field === 'filter';
}

function innerSyntax(value: unknown): Syntax[] {
  if (value instanceof Map) return [...value].flat().flatMap(innerSyntax);
  if (Array.isArray(value)) return value.flatMap(innerSyntax);
  const isSyntax = typeof value === 'object' && value !== null && 'type' in value && !('lineno' in value);
  return isSyntax ? [value as Syntax] : [];
}
