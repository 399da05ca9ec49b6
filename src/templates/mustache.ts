/** Mustache, through mustache.js: its parser already applies the rules for standalone lines. */

import Mustache from 'mustache';

import { choice, gap, lineAndColumn, literal, repeat, TemplateSyntaxError } from './template.ts';
import type { Template, TemplateNode, TemplateNodes } from './template.ts';

type Token = Mustache.TemplateSpans[number];

/** The library looks for a tag's end from each of the spaces in it. */
const SPACES_IN_TAG_MAX = 200;
const DELIMITER_OR_SPACES = new RegExp(`\\{\\{|\\}\\}|\\s{${SPACES_IN_TAG_MAX + 1},}`, 'g');

export function parseMustache(text: string): Template {
  refuseSpacesInTags(text);
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

/** Throws a `TemplateSyntaxError`. Where a text has delimiters of its own, any place may be in a tag. */
function refuseSpacesInTags(text: string): void {
  const hasOwnDelimiters = text.includes('{{=');
  let isOpen = false;
  for (const { 0: found, index } of text.matchAll(DELIMITER_OR_SPACES)) {
    if (found === '{{') isOpen = true;
    else if (found === '}}') isOpen = false;
    else if ((isOpen || hasOwnDelimiters) && !text.startsWith('}}', index + found.length)) {
      const { line, column } = lineAndColumn(text, index);
      throw new TemplateSyntaxError(`A tag has more than ${SPACES_IN_TAG_MAX} spaces in a row.`, line, column);
    }
  }
}

function tokensOf(text: string): Mustache.TemplateSpans {
  try {
    return writer().parse(text) as Mustache.TemplateSpans;
  } catch (error) {
    if (error instanceof RangeError) throw error;
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
