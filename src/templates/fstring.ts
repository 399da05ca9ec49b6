/**
 * Python's replacement fields, as in f-strings, `str.format` and LangChain's f-string templates:
 * `{name}`, `{user.name!r:>{width}}`, and `{{` or `}}` for a brace. There is no parser for them
 * outside Python; the grammar is https://docs.python.org/3/library/string.html#format-string-syntax
 */

import { gap, lineAndColumn, literal, TemplateSyntaxError } from './template.ts';
import type { Template, TemplateNode } from './template.ts';

type Piece = { readonly literal: string } | { readonly field: string };

export function parseFstring(text: string): Template {
  const pieces = scan(text);
  const variables = new Set<string>();
  const nodes = pieces.map((piece): TemplateNode => {
    if ('literal' in piece) return literal(piece.literal);
    const name = fieldName(piece.field);
    const root = /^[^.[]*/.exec(name)?.[0] ?? name;
    if (root !== '') variables.add(root);
    return gap(name);
  });
  return { nodes, variables: [...variables], unpredictable: null };
}

/** Fills in fields by their full name. Conversions and format specifications would need Python: they are refused. */
export function renderFstring(text: string, variables: Readonly<Record<string, unknown>>): string {
  return scan(text)
    .map((piece) => {
      if ('literal' in piece) return piece.literal;
      if (!Object.hasOwn(variables, piece.field)) throw new Error(`No value for the field "{${piece.field}}".`);
      return String(variables[piece.field]);
    })
    .join('');
}

/** The part before `!conversion`, `:specification` and the `=` of a debugging field. */
function fieldName(field: string): string {
  const end = field.search(/![rsa]\s*(?:[:}]|$)|:|=\s*$/);
  return (end === -1 ? field : field.slice(0, end)).trim();
}

function scan(text: string): Piece[] {
  const pieces: Piece[] = [];
  let position = 0;
  for (;;) {
    const brace = text.slice(position).search(/[{}]/);
    if (brace === -1) break;
    const at = position + brace;
    pieces.push({ literal: text.slice(position, at) });
    if (text[at + 1] === text[at]) {
      pieces.push({ literal: text.charAt(at) });
      position = at + 2;
    } else if (text[at] === '}') {
      throw errorAt(text, at, 'A single "}" has no "{" before it; write "}}" for a brace.');
    } else {
      const end = fieldEnd(text, at);
      pieces.push({ field: text.slice(at + 1, end) });
      position = end + 1;
    }
  }
  pieces.push({ literal: text.slice(position) });
  return pieces;
}

/** Position of the `}` that closes the `{` at `open`; a specification may hold fields of its own. */
function fieldEnd(text: string, open: number): number {
  let depth = 0;
  let quote = '';
  for (let at = open; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (depth > 0 && (character === '"' || character === "'") && isIndexOrExpression(text, open, at)) {
      quote = character;
    } else if (character === '{') {
      depth += 1;
    } else if (character === '}') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  throw errorAt(text, open, 'This "{" is never closed; write "{{" for a brace.');
}

/** A quote opens a string only in an expression such as `{user["name"]}`, not in `{it's}`. */
function isIndexOrExpression(text: string, open: number, at: number): boolean {
  return at === open + 1 || /[[(,=+\s]/.test(text.charAt(at - 1));
}

function errorAt(text: string, position: number, message: string): TemplateSyntaxError {
  const { line, column } = lineAndColumn(text, position);
  return new TemplateSyntaxError(message, line, column);
}
