/**
 * How a template names the place of a component, per format, and how that place is filled with the
 * component's source. Follows what each format's own engine does with an include or partial, so
 * that a team whose engine includes at run time gets the same text. Pure.
 */

import type { TemplateFormat } from '../contract/prompt.ts';

export interface IncludeTag {
  readonly id: string;
  /** UTF-16 range of the tag itself. */
  readonly start: number;
  readonly end: number;
}

/** How to write the place of a component, for messages. */
export function includeSyntax(format: TemplateFormat, id: string): string {
  return SYNTAX[format].replace('ID', id);
}

const SYNTAX: Readonly<Record<TemplateFormat, string>> = {
  jinja2: '{% include "ID" %}',
  mustache: '{{> ID}}',
  handlebars: '{{> ID}}',
  fstring: '{component:ID}',
  dollar: '${component:ID}',
  plain: '{{component:ID}}',
};

interface Tag extends IncludeTag {
  /** Jinja2's `{%-` and `-%}`: eat the white space on that side. */
  readonly trimBefore: boolean;
  readonly trimAfter: boolean;
}

const ID = '[A-Za-z0-9][A-Za-z0-9._/-]*';

/**
 * Each pattern has the alternatives that must be skipped (comments, raw blocks, escapes) first, and
 * the tag with its named group last.
 */
const PATTERNS: Readonly<Record<TemplateFormat, RegExp>> = {
  jinja2: new RegExp(
    String.raw`\{#[\s\S]*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}[\s\S]*?\{%[-+]?\s*endraw\s*[-+]?%\}|` +
      String.raw`\{%(?<before>[-+]?)\s*include\s+(?<quote>["'])(?<id>${ID})\k<quote>(?:\s+ignore\s+missing)?(?:\s+with\s+context)?\s*(?<after>[-+]?)%\}`,
    'g',
  ),
  mustache: new RegExp(String.raw`\{\{!(?:[^}]|\}(?!\}))*\}\}|\{\{>\s*(?<id>${ID})\s*\}\}`, 'g'),
  handlebars: new RegExp(
    String.raw`\\\{\{|\{\{~?!--[\s\S]*?--~?\}\}|\{\{~?!(?:[^}]|\}(?!\}))*\}\}|` +
      String.raw`\{\{(?<before>~?)>\s*(?<quote>["']?)(?<id>${ID})\k<quote>\s*(?<after>~?)\}\}`,
    'g',
  ),
  fstring: new RegExp(String.raw`\{\{|\}\}|\{component:(?<id>${ID})\}`, 'g'),
  dollar: new RegExp(String.raw`\$\$|\$\{component:(?<id>${ID})\}`, 'g'),
  plain: new RegExp(String.raw`\{\{\s*component:(?<id>${ID})\s*\}\}`, 'g'),
};

/** All places of components in a template, in order. */
export function findIncludes(text: string, format: TemplateFormat): readonly IncludeTag[] {
  return findTags(text, format);
}

function findTags(text: string, format: TemplateFormat): readonly Tag[] {
  const tags: Tag[] = [];
  for (const match of text.matchAll(PATTERNS[format])) {
    const { id, before, after } = match.groups ?? {};
    if (id === undefined) continue;
    tags.push({
      id,
      start: match.index,
      end: match.index + match[0].length,
      trimBefore: before === '-' || before === '~',
      trimAfter: after === '-' || after === '~',
    });
  }
  return tags;
}

/** Fills each place with `sourceOf(id)`, the component's own expanded source. */
export function expandIncludes(text: string, format: TemplateFormat, sourceOf: (id: string) => string): string {
  let expanded = '';
  let done = 0;
  for (const tag of findTags(text, format)) {
    let { start, end } = tag;
    // A tag alone on its line gives the whole line to what it includes, in Mustache and Handlebars.
    const alone = format === 'mustache' || format === 'handlebars' ? standaloneLine(text, tag) : null;
    let source = sourceOf(tag.id);
    if (alone === null) {
      source = inlineSource(source, format);
    } else {
      ({ start, end } = alone);
      source = indentLines(source, alone.indent, format);
    }
    if (tag.trimBefore) start = done + text.slice(done, start).trimEnd().length;
    if (tag.trimAfter) end += text.slice(end).length - text.slice(end).trimStart().length;
    expanded += text.slice(done, start) + source;
    done = end;
  }
  return expanded + text.slice(done);
}

/** The same text with each place blanked out, line for line, so that positions stay right. */
export function blankIncludes(text: string, format: TemplateFormat): string {
  let blanked = '';
  let done = 0;
  for (const { start, end } of findTags(text, format)) {
    blanked += text.slice(done, start) + text.slice(start, end).replace(/[^\n]/g, ' ');
    done = end;
  }
  return blanked + text.slice(done);
}

/** What of a plain text would mean something in `format`, or null. */
export function syntaxInPlainText(text: string, format: TemplateFormat): string | null {
  const pattern = SPECIAL[format];
  return pattern === null ? null : (pattern.exec(text)?.[0] ?? null);
}

const SPECIAL: Readonly<Record<TemplateFormat, RegExp | null>> = {
  jinja2: /\{\{|\{%|\{#/,
  mustache: /\{\{/,
  handlebars: /\{\{/,
  fstring: /[{}]/,
  dollar: /\$\{|\$\$/,
  plain: null,
};

/**
 * Jinja2 drops one newline at the end of an included template; so do the formats that have no
 * includes of their own, because a YAML block always ends with one. Mustache and Handlebars keep it.
 */
function inlineSource(source: string, format: TemplateFormat): string {
  return format === 'mustache' || format === 'handlebars' ? source : source.replace(/\r?\n$/, '');
}

function standaloneLine(text: string, tag: Tag): { start: number; end: number; indent: string } | null {
  if (tag.trimBefore || tag.trimAfter) return null;
  const start = text.lastIndexOf('\n', tag.start - 1) + 1;
  const indent = tag.start === 0 ? '' : text.slice(start, tag.start);
  const rest = /^[ \t]*(?:\r?\n|$)/.exec(text.slice(tag.end, tag.end + 1000));
  if (rest === null || !/^[ \t]*$/.test(indent)) return null;
  return { start: tag.start === 0 ? 0 : start, end: tag.end + rest[0].length, indent };
}

/**
 * Both prepend the indentation of the tag to each line of what it includes; Handlebars does so for
 * empty lines too, mustache.js does not.
 */
function indentLines(source: string, indent: string, format: TemplateFormat): string {
  if (indent === '') return source;
  // Not `^` with the m flag: that also matches between CR and LF.
  return source.replace(format === 'handlebars' ? /(?<=^|\n)(?=[\s\S])/g : /(?<=^|\n)(?=[^\n])/g, () => indent);
}
