/** Checks the texts of one prompt file: template syntax, components listed and placed, format named. Pure. */

import { fieldName, type Problem } from '../lib/problems.ts';
import type { YamlDocument, YamlPath } from '../lib/yaml.ts';
import { parseTemplate } from '../templates/index.ts';
import { bodyMessages } from '../text/body.ts';
import { lineAndColumn } from '../templates/template.ts';
import { blankIncludes, findIncludes, includeSyntax } from './includes.ts';
import type { DraftVariant, PromptDraft } from './draft.ts';

export function checkTemplates(draft: PromptDraft, document: YamlDocument): Problem[] {
  return dedupe([
    ...formatProblems(draft, document),
    ...draft.variants.flatMap((variant) => syntaxProblems(variant, document)),
    ...includeProblems(draft, document),
    ...variantProblems(draft, document),
  ]);
}

/** Without `format` a text is plain. One that looks like a template was probably not meant so. */
function formatProblems(draft: PromptDraft, document: YamlDocument): Problem[] {
  const value = document.value as { format?: unknown; model?: unknown };
  if (value.format !== undefined) return [];
  const variants: readonly unknown[] = Array.isArray(value.model) ? value.model : [];
  const unnamed = draft.variants.filter((_variant, index) => {
    const entry = variants[index];
    return typeof entry !== 'object' || entry === null || !('format' in entry);
  });
  for (const { body, paths } of unnamed) {
    for (const [index, { content }] of bodyMessages(body).entries()) {
      const found = /\{\{(?!\s*component:)|\{%|\$\{/.exec(content);
      const path = paths[index];
      if (found === null || path === undefined) continue;
      const { line, column } = lineAndColumn(content, found.index);
      const message = `is required here: the text holds ${found[0]}, so say in which language that is.`;
      const hint =
        'Write format: jinja2, mustache, handlebars, fstring or dollar; or format: plain if it is meant literally.';
      return [{ file: document.file, ...document.locateInText(path, line, column), field: 'format', message, hint }];
    }
  }
  return [];
}

function syntaxProblems(variant: DraftVariant, document: YamlDocument): Problem[] {
  return bodyMessages(variant.body).flatMap(({ content }, index) => {
    const path = variant.paths[index];
    // The places of components are no syntax of every format; they are checked by themselves.
    const parsed = parseTemplate(blankIncludes(content, variant.format), variant.format);
    if (parsed.ok || path === undefined) return [];
    const place = document.locateInText(path, parsed.line, parsed.column ?? 1);
    return [
      { file: document.file, ...place, field: fieldName(path), message: sentence(parsed.message, variant.format) },
    ];
  });
}

function sentence(message: string, format: string): string {
  const words = message.replace(/\s+/g, ' ').trim().replace(/[.]$/, '');
  return `is no valid ${format} template: ${words}.`;
}

/** Every listed component has its place, and every place names a listed component. */
function includeProblems(draft: PromptDraft, document: YamlDocument): Problem[] {
  const problems: Problem[] = [];
  const add = (path: YamlPath, place: { line: number; column: number }, message: string): void => {
    problems.push({ file: document.file, ...place, field: fieldName(path), message });
  };
  const listed = new Set<string>();
  for (const [index, { id, version }] of draft.components.entries()) {
    const path = ['components', index];
    if (listed.has(id))
      add(path, document.locate(path), `names ${id} twice: a text can include one version of it (here @${version}).`);
    listed.add(id);
  }
  const placed = new Set<string>();
  for (const { body, paths, format } of draft.variants) {
    for (const [index, { content }] of bodyMessages(body).entries()) {
      const path = paths[index] ?? [];
      for (const tag of findIncludes(content, format)) {
        placed.add(tag.id);
        if (listed.has(tag.id)) continue;
        const { line, column } = lineAndColumn(content, tag.start);
        add(
          path,
          document.locateInText(path, line, column),
          `includes ${tag.id}, which components does not list. Write components: [${tag.id}@VERSION].`,
        );
      }
    }
  }
  for (const [index, { id }] of draft.components.entries()) {
    if (placed.has(id)) continue;
    const path = ['components', index];
    const syntax = includeSyntax(draft.variants[0].format, id);
    add(
      path,
      document.locate(path),
      `lists ${id}, but the text has no place for it. Write ${syntax} where it belongs.`,
    );
  }
  return problems;
}

function variantProblems(draft: PromptDraft, document: YamlDocument): Problem[] {
  const seen = new Set<string>();
  return draft.variants.flatMap(({ model }, index) => {
    const repeated = seen.has(model);
    seen.add(model);
    if (!repeated) return [];
    const path = ['model', index];
    const message = `names the model ${model} a second time: one model has one variant.`;
    return [{ file: document.file, ...document.locate(path), field: fieldName(path), message }];
  });
}

/** Variants may share one text; what is wrong with it is said once. */
function dedupe(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = `${problem.line}:${problem.column}:${problem.message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
