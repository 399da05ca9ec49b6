/**
 * Prompt templates: source text in, what it can render out. One file per format, each through the
 * format's own parser; this file only chooses. Pure, and never renders what is not registered.
 */

import type { TemplateFormat } from '../contract/prompt.ts';
import { parseDollar, renderDollar } from './dollar.ts';
import { parseFstring, renderFstring } from './fstring.ts';
import { parseHandlebars, renderHandlebars } from './handlebars.ts';
import { parseJinja2, parseTrimmedJinja2, renderJinja2 } from './jinja2.ts';
import { parseMustache, renderMustache } from './mustache.ts';
import { parsePlain, renderPlain } from './plain.ts';
import { joinLiterals, TemplateSyntaxError } from './template.ts';
import type { ParsedTemplate, RenderedTemplate, Template, TemplateNodes } from './template.ts';

export type { ParsedTemplate, RenderedTemplate, TemplateNodes } from './template.ts';

interface TemplateLanguage {
  /** Throws `TemplateSyntaxError`. */
  readonly parse: (text: string) => Template;
  /** Throws whatever the engine throws. */
  readonly render: (text: string, variables: Readonly<Record<string, unknown>>) => string;
}

const LANGUAGES: Readonly<Record<TemplateFormat, TemplateLanguage>> = {
  jinja2: { parse: parseJinja2, render: renderJinja2 },
  mustache: { parse: parseMustache, render: renderMustache },
  handlebars: { parse: parseHandlebars, render: renderHandlebars },
  fstring: { parse: parseFstring, render: renderFstring },
  dollar: { parse: parseDollar, render: renderDollar },
  plain: { parse: parsePlain, render: renderPlain },
};

/** As much as a file of the registry may have. */
const CHARACTERS_MAX = 1024 * 1024;
/** The slowest parser takes a tenth of a millisecond for each. */
const TAGS_MAX = 10_000;
/** What goes on with the nodes goes down as deep. */
const DEPTH_MAX = 100;

const TAG_OPENERS: Readonly<Record<TemplateFormat, readonly string[]>> = {
  jinja2: ['{{', '{%', '{#'],
  mustache: ['{{'],
  handlebars: ['{{'],
  fstring: ['{'],
  dollar: ['${'],
  plain: [],
};

/**
 * The template's literals, gaps, alternations and loops, or the first syntax error with its line. Live texts of
 * whoever may edit a prompt come here too: what is beyond the limits is an error, and nothing is thrown.
 */
export function parseTemplate(text: string, format: TemplateFormat): ParsedTemplate {
  const excess = excessOf(text, format);
  if (excess !== null) return { ok: false, message: excess, line: 1 };
  try {
    const template = LANGUAGES[format].parse(text);
    const nodes = joinLiterals(template.nodes);
    return depthOf(nodes) > DEPTH_MAX ? TOO_DEEP : { ok: true, template: { ...template, nodes } };
  } catch (error) {
    // Parsers go down with what is nested, too.
    if (error instanceof RangeError) return TOO_DEEP;
    if (!(error instanceof TemplateSyntaxError)) throw error;
    const { message, line, column } = error;
    return column === undefined ? { ok: false, message, line } : { ok: false, message, line, column };
  }
}

const TOO_DEEP: ParsedTemplate = {
  ok: false,
  message: `It is nested deeper than ${DEPTH_MAX} levels, or an expression in it is too long.`,
  line: 1,
};

function excessOf(text: string, format: TemplateFormat): string | null {
  if (format === 'plain') return null;
  if (text.length > CHARACTERS_MAX) return `It has more than ${CHARACTERS_MAX} characters.`;
  const tags = TAG_OPENERS[format].reduce((sum, opener) => sum + text.split(opener).length - 1, 0);
  return tags > TAGS_MAX ? `It has more than ${TAGS_MAX} tags.` : null;
}

function depthOf(nodes: TemplateNodes): number {
  const depths = nodes.map((node) => {
    if (node.kind === 'choice') return 1 + Math.max(0, ...node.branches.map(depthOf));
    return node.kind === 'repeat' ? 1 + depthOf(node.body) : 0;
  });
  return depths.reduce((deepest, depth) => Math.max(deepest, depth), 0);
}

/**
 * What a valid source also may mean, because its engine has settings that nobody registers with
 * it. Some may be the same as what `parseTemplate` gives.
 */
export function otherReadings(text: string, format: TemplateFormat): TemplateNodes[] {
  return format === 'jinja2' ? parseTrimmedJinja2(text).map(({ nodes }) => joinLiterals(nodes)) : [];
}

/**
 * What the format's engine renders. Only for registered templates: a source that arrived in
 * telemetry may loop for ever or reach into the process.
 */
export function renderTemplate(
  text: string,
  format: TemplateFormat,
  variables: Readonly<Record<string, unknown>>,
): RenderedTemplate {
  try {
    return { ok: true, text: LANGUAGES[format].render(text, variables) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
