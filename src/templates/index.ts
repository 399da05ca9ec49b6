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

/** The template's literals, gaps, alternations and loops, or the first syntax error with its line. */
export function parseTemplate(text: string, format: TemplateFormat): ParsedTemplate {
  try {
    const template = LANGUAGES[format].parse(text);
    return { ok: true, template: { ...template, nodes: joinLiterals(template.nodes) } };
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    const { message, line, column } = error;
    return column === undefined ? { ok: false, message, line } : { ok: false, message, line, column };
  }
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
