/** Mustache, through mustache.js: its parser already applies the rules for standalone lines. */

import Mustache from 'mustache';

import { choice, gap, lineAndColumn, literal, repeat, TemplateSyntaxError } from './template.ts';
import type { Template, TemplateNode, TemplateNodes } from './template.ts';

type Token = Mustache.TemplateSpans[number];

export function parseMustache(text: string): Template {
  const variables = new Set<string>();
  const nodes = nodesOf(tokensOf(text), variables, new Set());
  return { nodes, variables: [...variables], unpredictable: null };
}

export function renderMustache(text: string, variables: Readonly<Record<string, unknown>>): string {
  return writer().render(text, variables, {}, { escape: String });
}

// The library's default writer remembers every template it has seen, for ever.
function writer(): Mustache.Writer {
  const fresh = new Mustache.Writer();
  Object.assign(fresh, { templateCache: undefined });
  return fresh;
}

function tokensOf(text: string): Mustache.TemplateSpans {
  try {
    return writer().parse(text) as Mustache.TemplateSpans;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const at = / at (\d+)$/.exec(message);
    const { line, column } = lineAndColumn(text, Number(at?.[1] ?? 0));
    throw new TemplateSyntaxError(`${message.replace(/ at \d+$/, '')}.`, line, column);
  }
}

/** Names used inside a section may be fields of its items, so only those outside are required. */
function nodesOf(tokens: readonly Token[], variables: Set<string>, ignored: Set<string>): TemplateNodes {
  return tokens.flatMap((token): TemplateNode[] => {
    const [type, value] = token;
    const inner = Array.isArray(token[4]) ? token[4] : [];
    switch (type) {
      case 'text':
        return [literal(value)];
      case 'name':
      case '&':
        variables.add(rootOf(value));
        return [gap(value)];
      case '#':
        variables.add(rootOf(value));
        return [repeat(value, nodesOf(inner, ignored, ignored))];
      case '^':
        variables.add(rootOf(value));
        return [choice(nodesOf(inner, variables, ignored), [])];
      case '>':
        return [gap(`> ${value}`)];
      case '!':
      case '=':
      default:
        return [];
    }
  });
}

function rootOf(path: string): string {
  return path === '.' ? path : (path.split('.')[0] ?? path);
}
