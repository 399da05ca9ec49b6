/**
 * `${name}`, as in JavaScript's template literals and in shells. A `$` without a brace is a dollar
 * sign, `\${` a written-out one. An expression is a gap; a conditional of two strings is both.
 */

import { choice, gap, lineAndColumn, literal, TemplateSyntaxError } from './template.ts';
import type { Template, TemplateNode } from './template.ts';

const CONDITIONAL = /^[^?"'`]+\?\s*(["'`])((?:(?!\1)[^\\$])*)\1\s*:\s*(["'`])((?:(?!\3)[^\\$])*)\3$/s;
const NAME = /^[A-Za-z_$][\w$]*/;

type Piece = { readonly literal: string } | { readonly expression: string };

export function parseDollar(text: string): Template {
  const variables = new Set<string>();
  const nodes = scan(text).map((piece): TemplateNode => {
    if ('literal' in piece) return literal(piece.literal);
    const name = NAME.exec(piece.expression)?.[0];
    if (name !== undefined) variables.add(name);
    const [, , whenTrue, , whenFalse] = CONDITIONAL.exec(piece.expression) ?? [];
    if (whenTrue === undefined || whenFalse === undefined) return gap(piece.expression);
    return choice([literal(whenTrue)], [literal(whenFalse)]);
  });
  return { nodes, variables: [...variables], unpredictable: null };
}

/** Fills in plain names; expressions would need JavaScript and are refused. */
export function renderDollar(text: string, variables: Readonly<Record<string, unknown>>): string {
  return scan(text)
    .map((piece) => {
      if ('literal' in piece) return piece.literal;
      if (!Object.hasOwn(variables, piece.expression)) throw new Error(`No value for "\${${piece.expression}}".`);
      return String(variables[piece.expression]);
    })
    .join('');
}

function scan(text: string): Piece[] {
  const pieces: Piece[] = [];
  let position = 0;
  for (;;) {
    const open = text.indexOf('${', position);
    if (open === -1) break;
    if (text[open - 1] === '\\') {
      pieces.push({ literal: `${text.slice(position, open - 1)}\${` });
      position = open + 2;
      continue;
    }
    const end = expressionEnd(text, open + 2);
    pieces.push({ literal: text.slice(position, open) }, { expression: text.slice(open + 2, end).trim() });
    position = end + 1;
  }
  pieces.push({ literal: text.slice(position) });
  return pieces;
}

/** Position of the closing brace; braces may nest, and in quotes they don't count. */
function expressionEnd(text: string, start: number): number {
  let depth = 1;
  let quote = '';
  for (let at = start; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '\\') at += 1;
    else if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'" || character === '`') quote = character;
    else if (character === '{') depth += 1;
    else if (character === '}') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  const { line, column } = lineAndColumn(text, start - 2);
  throw new TemplateSyntaxError('This "${" is never closed.', line, column);
}
