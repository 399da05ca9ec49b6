/**
 * Reads one prompt file into a draft: a version whose components are not expanded yet. Says all
 * that is wrong with the file itself, with line and field; what concerns several files is found
 * later. Pure.
 */

import type { Json, PromptMessage, PromptSettings, TemplateFormat } from '../contract/prompt.ts';
import { checkShape, type Problem } from '../lib/problems.ts';
import { parseYaml, type YamlDocument, type YamlPath } from '../lib/yaml.ts';
import { textBody, chatBody } from '../text/body.ts';
import type { DraftVariant, PromptDraft, PromptSource } from './draft.ts';
import { HistoricPromptFile, MISSING_MODEL, PromptFile } from './prompt-schema.ts';
import { checkTemplates } from './template-check.ts';

export interface ReadPrompt {
  /** Null when the file can't be used. */
  readonly source: PromptSource | null;
  readonly problems: readonly Problem[];
  /** The id that a broken file seems to have, so that others that name it are not called wrong for it. */
  readonly brokenId: string | null;
}

/** Strict: for files that somebody can still mend. */
export function readPromptFile(text: string, file: string): ReadPrompt {
  const document = parseYaml(text, file);
  const checked = checkShape(PromptFile, document);
  const problems = [
    ...(checked.ok ? [] : checked.problems),
    ...(document.problems.length > 0 ? [] : ownRules(document)),
  ];
  const draft = checked.ok ? draftFrom(checked.value) : null;
  if (draft === null || problems.length > 0) return { source: null, problems, brokenId: guessId(text, document) };
  const templateProblems = checkTemplates(draft, document);
  if (templateProblems.length > 0) return { source: null, problems: templateProblems, brokenId: draft.id };
  return { source: { draft, document }, problems: [], brokenId: null };
}

/** Lenient: what a committed state says, or null when it is no prompt. */
export function readHistoricPrompt(text: string): PromptDraft | null {
  const document = parseYaml(text, '');
  if (document.problems.length > 0) return null;
  const parsed = HistoricPromptFile.safeParse(document.value);
  return parsed.success ? draftFrom(parsed.data) : null;
}

type AnyPromptFile = PromptFile | ReturnType<typeof HistoricPromptFile.parse>;

/** Null when the file has no text. Assumes that shape is right; `ownRules` says the rest to the writer. */
function draftFrom(file: AnyPromptFile): PromptDraft | null {
  const isComponent = file.component === true;
  const models = typeof file.model === 'string' ? [file.model] : (file.model ?? ['']);
  const variants = models.flatMap((entry, index): DraftVariant[] => {
    const own = typeof entry === 'string' ? { model: entry } : entry;
    const texts = textsOf(own, ['model', index]) ?? textsOf(file, []);
    if (texts === null) return [];
    const format: TemplateFormat = own.format ?? file.format ?? 'plain';
    return [{ model: own.model, ...texts, format, settings: isComponent ? {} : settingsOf(own, file) }];
  });
  const [first, ...rest] = variants;
  if (first === undefined) return null;
  return {
    id: file.id,
    version: file.version,
    parent: file.parent ?? null,
    owner: file.owner,
    tags: file.tags,
    isComponent,
    components: file.components ?? [],
    metrics: file.metrics ?? {},
    variants: [first, ...rest],
  };
}

interface Texts {
  readonly template?: string | undefined;
  readonly messages?: readonly PromptMessage[] | undefined;
}

function textsOf(entry: Texts, path: YamlPath): Pick<DraftVariant, 'body' | 'paths'> | null {
  if (entry.template !== undefined) return { body: textBody(entry.template), paths: [[...path, 'template']] };
  if (entry.messages === undefined) return null;
  const messages = entry.messages.map(({ role, content }) => ({ role, content }));
  return { body: chatBody(messages), paths: messages.map((_, index) => [...path, 'messages', index, 'content']) };
}

interface Settings {
  readonly parameters?: { readonly [name: string]: Json } | undefined;
  readonly tools?: readonly Json[] | undefined;
}

/** A variant's parameters go over the shared ones, name by name; its tools replace them. */
function settingsOf(own: Settings & { readonly model: string }, shared: Settings): PromptSettings {
  const tools = own.tools ?? shared.tools;
  const hasParameters = own.parameters !== undefined || shared.parameters !== undefined;
  return {
    model: own.model,
    ...(hasParameters ? { parameters: { ...shared.parameters, ...own.parameters } } : {}),
    ...(tools === undefined ? {} : { tools }),
  };
}

/** What a schema can't say well: rules between fields. Works on the raw value, so that all is said at once. */
function ownRules(document: YamlDocument): Problem[] {
  const { value } = document;
  if (!isRecord(value)) return [];
  const problems: Problem[] = [];
  const add = (path: YamlPath, field: string, message: string, hint?: string): void => {
    problems.push({
      file: document.file,
      ...document.locate(path),
      field,
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  // `version: 1.10` is the number 1.1 to YAML: what was meant can't be told any more.
  for (const key of ['version', 'parent']) {
    const spelled = document.spelling([key]);
    if (Number.isSafeInteger(value[key]) && spelled !== null && !/^\d+$/.test(spelled)) {
      add([key], key, `must be a whole number or a semantic version in three parts, not ${spelled}.`);
    }
  }
  for (const [entry, path] of textHolders(value)) {
    if (entry['template'] !== undefined && entry['messages'] !== undefined) {
      add(
        [...path, 'messages'],
        'messages',
        'must not stand beside template: a prompt is one text or a list of messages.',
      );
    }
  }
  componentRules(value, add);
  return problems;
}

type AddProblem = (path: YamlPath, field: string, message: string, hint?: string) => void;

function componentRules(value: Record<string, unknown>, add: AddProblem): void {
  const isComponent = value['component'] === true;
  if (isComponent) {
    if (value['messages'] !== undefined)
      add(['messages'], 'messages', 'can not be a component: it is included as one text.', 'Use template.');
    if (Array.isArray(value['model']))
      add(['model'], 'model', 'must be one model or left out: a component has one text.');
    for (const key of ['parameters', 'tools']) {
      if (value[key] !== undefined)
        add([key], key, 'belongs to the prompt that includes this component.', 'Remove it.');
    }
  } else if (value['model'] === undefined) {
    add(['model'], 'model', `${MISSING_MODEL}.`);
  }
  if (!hasText(value)) {
    const what = isComponent ? 'template' : 'template or messages';
    add(['template'], what, 'is required: the text of the prompt, e.g. `template: |` and the text below it, indented.');
  }
}

/** True when the shared part has a text, or every variant has its own. */
function hasText(value: Record<string, unknown>): boolean {
  if (holdsText(value)) return true;
  const models = value['model'];
  return Array.isArray(models) && models.length > 0 && models.every((entry) => isRecord(entry) && holdsText(entry));
}

function holdsText(entry: Record<string, unknown>): boolean {
  // An empty one is there, and complained about for being empty.
  return entry['template'] !== undefined || entry['messages'] !== undefined;
}

function textHolders(value: Record<string, unknown>): readonly (readonly [Record<string, unknown>, YamlPath])[] {
  const models: readonly unknown[] = Array.isArray(value['model']) ? value['model'] : [];
  const variants = models.flatMap((entry, index) => (isRecord(entry) ? [[entry, ['model', index]] as const] : []));
  return [[value, []], ...variants];
}

function guessId(text: string, document: YamlDocument): string | null {
  const { value } = document;
  if (isRecord(value)) return typeof value['id'] === 'string' ? value['id'] : null;
  return /^id:[ \t]*["']?([A-Za-z0-9._/-]+)/m.exec(text)?.[1] ?? null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
