/**
 * Texts that include other prompts of their registry. What is included changes without the version
 * that includes it, so a version is registered as it is stored, and beside it with a variable in each
 * of those places: calls are recognised whatever was included, and an edited snippet is blamed on the
 * snippet. Pure.
 */

import type { ComponentReference, PromptBody, TemplateFormat } from '../../src/contract/prompt.ts';
import { bodyMessages, mapBody } from '../../src/text/body.ts';

export interface ReferenceSyntax {
  /** Global. */
  readonly pattern: RegExp;
  /** Null: what looks like a reference is none. `version` is a version, or `label:NAME`. */
  readonly read: (match: RegExpExecArray) => ComponentReference | null;
}

export interface Including {
  /** What it includes, each once. */
  readonly components: readonly ComponentReference[];
  /** Null where the format has no variables. */
  readonly open: PromptBody | null;
}

const VARIABLES: Readonly<Record<TemplateFormat, ((name: string) => string) | null>> = {
  mustache: (name) => `{{{${name}}}}`,
  handlebars: (name) => `{{{${name}}}}`,
  jinja2: (name) => `{{ ${name} }}`,
  fstring: (name) => `{${name}}`,
  dollar: (name) => `\${${name}}`,
  plain: null,
};

/** Null when it includes nothing. */
export function includingOf(body: PromptBody, format: TemplateFormat, syntax: ReferenceSyntax): Including | null {
  const found = new Map<string, ComponentReference>();
  for (const { content } of bodyMessages(body)) {
    for (const match of content.matchAll(syntax.pattern)) {
      const reference = syntax.read(match);
      if (reference !== null) found.set(`${reference.id}\n${reference.version}`, reference);
    }
  }
  if (found.size === 0) return null;
  const variable = VARIABLES[format];
  const open = variable === null ? null : mapBody(body, (text) => opened(text, syntax, variable));
  return { components: [...found.values()], open };
}

function opened(text: string, { pattern, read }: ReferenceSyntax, variable: (name: string) => string): string {
  let result = '';
  let done = 0;
  for (const match of text.matchAll(pattern)) {
    const reference = read(match);
    if (reference === null) continue;
    result += text.slice(done, match.index) + variable(`included_${reference.id.replaceAll(/[^A-Za-z0-9]+/g, '_')}`);
    done = match.index + match[0].length;
  }
  return result + text.slice(done);
}
