/**
 * What is wrong in a file that a person wrote: collected, never thrown one by one, each with file,
 * line and field. Turns the complaints of a zod schema into plain English.
 */

import type { z } from 'zod';
import { closest } from './closest.ts';
import { compareText } from './compare.ts';
import { knownKeys } from './schema-keys.ts';
import type { Position, YamlPath } from './yaml.ts';

export interface Problem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** e.g. `sources[0].targets[2].path`; empty for the file as a whole. */
  readonly field: string;
  /** Continues the sentence that the field starts: `is required.` */
  readonly message: string;
  /** What to do, as a full sentence. */
  readonly hint?: string;
}

/** What `checkShape` needs of a document; `YamlDocument` is one. */
export interface ShapeDocument {
  readonly file: string;
  readonly value: unknown;
  /** What kept the document from being read at all; then the shape is not looked at. */
  readonly problems?: readonly Problem[];
  /** Keys beside those of the schema, which somebody else looks at: one that is misspelled may have been meant. */
  readonly knownBeside?: readonly string[];
  locate(path: YamlPath): Position;
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Parses the document's value with the schema; all complaints at once. A schema's own message
 * (`z.string({ error: '…' })`, `refine`) is used as it is; keep it a continuation of the field's name.
 */
export function checkShape<T>(schema: z.ZodType<T>, document: ShapeDocument): Checked<T> {
  if (document.problems !== undefined && document.problems.length > 0)
    return { ok: false, problems: document.problems };
  const result = schema.safeParse(document.value, { reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const issue of result.error.issues) {
    for (const problem of explainIssue(schema, document, issue, [])) {
      const key = `${problem.field}\n${problem.message}`;
      if (!seen.has(key)) problems.push(problem);
      seen.add(key);
    }
  }
  return { ok: false, problems: sortProblems(problems) };
}

/** One line each: `prompts/a.yaml:12:3 owner: is required.` */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('\n');
}

export function formatProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.line === undefined ? undefined : problem.column]
    .filter((part) => part !== undefined)
    .join(':');
  const field = problem.field === '' ? '' : ` ${problem.field}:`;
  const hint = problem.hint === undefined ? '' : ` ${problem.hint}`;
  return `${place}${field} ${problem.message}${hint}`;
}

/** By file, then by place in the file. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return problems.toSorted(
    (a, b) =>
      compareText(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      compareText(a.field, b.field),
  );
}

/** `['sources', 0, 'base_url']` → `sources[0].base_url`; keys that are not plain words are quoted. */
export function fieldName(path: YamlPath): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const plain = /^[\w.$-]+$/.test(step) && (index === 0 || !step.includes('.'));
      if (!plain) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

type Issue = z.core.$ZodIssue;

function explainIssue(schema: z.ZodType, document: ShapeDocument, issue: Issue, base: YamlPath): Problem[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
  const problem = (at: YamlPath, message: string, hint?: string): Problem => ({
    file: document.file,
    ...document.locate(at),
    field: fieldName(at),
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = [...knownKeys(schema, path), ...(path.length === 0 ? (document.knownBeside ?? []) : [])];
      return issue.keys.map((key) =>
        known.includes(key)
          ? problem([...path, key], 'can not stand beside the other keys here.')
          : problem([...path, key], 'is not a known key.', suggestKey(key, known)),
      );
    }
    case 'invalid_union': {
      if (issue.errors.length === 0) return [problem(path, ...unionWithoutBranches(issue))];
      const needed = neededKeys(issue.errors, issue.input);
      if (needed !== null) return [problem(path, `needs ${needed}.`)];
      const branch = bestBranch(issue.errors, issue.input);
      if (branch === null) return [problem(path, mismatch(issue.errors, issue.input))];
      return branch.flatMap((nested) => explainIssue(schema, document, nested, path));
    }
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.flatMap((nested) => explainIssue(schema, document, nested, path));
    case 'invalid_format':
      if (issue.format !== 'url' || isOwnMessage(issue.message)) break;
      return [problem(path, 'is no address such as https://host/path.')];
    case 'invalid_value':
    case 'invalid_type':
    case 'too_small':
    case 'too_big':
    case 'not_multiple_of':
    case 'custom':
      break;
  }
  return [problem(path, ...(wordsOfValue(issue) ?? [sentence(issue.message)]))];
}

/** The same of one complaint about a value, where a schema has no words of its own; null for any other. Without a full stop. */
export function plainWords(issue: z.core.$ZodRawIssue): string | null {
  const known = { ...issue, path: [], message: 'Invalid' } as unknown as Issue;
  const words = wordsOfValue(known);
  return words === null ? null : words.join(' ').replace(/[.]$/, '');
}

function wordsOfValue(issue: Issue): [message: string, hint?: string] | null {
  if (issue.code === 'invalid_value') return explainValue(issue);
  if (issue.code === 'invalid_type') return [explainType(issue)];
  return issue.code === 'too_small' || issue.code === 'too_big' ? [explainSize(issue)] : null;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
  null: 'empty',
};

function explainType(issue: z.core.$ZodIssueInvalidType): string {
  if (isOwnMessage(issue.message)) return sentence(issue.message);
  if (issue.input === undefined) return 'is required.';
  const expected = TYPE_WORDS[issue.expected] ?? issue.expected;
  if (issue.input === null) return `is empty; it must be ${expected}.`;
  if (Number.isNaN(issue.input)) return `must be ${expected}.`;
  return `must be ${expected}, not ${show(issue.input)}.`;
}

function explainValue(issue: z.core.$ZodIssueInvalidValue): [message: string, hint?: string] {
  if (isOwnMessage(issue.message)) return [sentence(issue.message)];
  const allowed = issue.values.map(String);
  if (issue.input === undefined) return [`is required: ${oneOf(allowed)}.`];
  const guess = typeof issue.input === 'string' ? closest(issue.input, allowed) : null;
  const message = `must be ${oneOf(allowed)}, not ${show(issue.input)}.`;
  return guess === null ? [message] : [message, didYouMean(guess)];
}

function explainSize(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): string {
  if (isOwnMessage(issue.message)) return sentence(issue.message);
  const small = issue.code === 'too_small';
  const limit = small ? issue.minimum : issue.maximum;
  const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
  if (unit !== '' && small && Number(limit) === 1) return 'must not be empty.';
  const open = issue.inclusive === false;
  const words = small ? (open ? 'more than' : 'at least') : open ? 'less than' : 'at most';
  return unit === '' ? `must be ${words} ${limit}.` : `must have ${words} ${limit}${unit}.`;
}

function unionWithoutBranches(issue: z.core.$ZodIssueInvalidUnion): [message: string, hint?: string] {
  if (isOwnMessage(issue.message)) return [sentence(issue.message)];
  const options = 'options' in issue ? (issue.options ?? []).map(String) : [];
  const key = issue.discriminator;
  if (key === undefined || options.length === 0) return ['has no form that is allowed here.'];
  const given = (issue.input as Record<string, unknown> | undefined)?.[key];
  if (given === undefined) return [`is required: ${oneOf(options)}.`];
  const guess = typeof given === 'string' ? closest(given, options) : null;
  const message = `must be ${oneOf(options)}, not ${show(given)}.`;
  return guess === null ? [message] : [message, didYouMean(guess)];
}

/**
 * The branch that the writer most likely meant: one that got past the value's type, with the
 * fewest complaints. Null when the value has the wrong type for all.
 */
function bestBranch(branches: readonly (readonly Issue[])[], input: unknown): readonly Issue[] | null {
  const entered = branches.filter((issues) => !issues.some((issue) => isTypeMismatchAtRoot(issue, input)));
  const [only] = branches;
  if (entered.length === 0) return branches.length === 1 && only !== undefined ? only : null;
  return entered.toSorted((a, b) => weight(a) - weight(b))[0] ?? null;
}

/** `a and b, or c` where keys are missing, and nothing there says which of the forms was meant. */
function neededKeys(branches: readonly (readonly Issue[])[], input: unknown): string | null {
  const entered = branches.filter((issues) => !issues.some((issue) => isTypeMismatchAtRoot(issue, input)));
  if (entered.length < 2 || !entered.flat().every(isMissingKey)) return null;
  return entered.map((issues) => issues.map(({ path }) => path.join('.')).join(' and ')).join(', or ');
}

function isMissingKey({ code, path, input }: Issue): boolean {
  return code === 'invalid_type' && path.length === 1 && input === undefined;
}

function weight(issues: readonly Issue[]): number {
  // A foreign key speaks against a branch more than a missing one does.
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 2 * issue.keys.length : 1), 0);
}

function isTypeMismatchAtRoot(issue: Issue, input: unknown): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_type') return true;
  return (
    issue.code === 'invalid_value' && !(typeof input === 'string' && issue.values.some((v) => typeof v === 'string'))
  );
}

/** `must be a text or a list, not 3.` */
function mismatch(branches: readonly (readonly Issue[])[], input: unknown): string {
  const own = branches.flat().find((issue) => issue.path.length === 0 && isOwnMessage(issue.message));
  if (own !== undefined) return sentence(own.message);
  if (input === undefined) return 'is required.';
  const words = branches.flatMap((issues) =>
    issues.flatMap((issue) => {
      if (issue.path.length > 0) return [];
      if (issue.code === 'invalid_type') return [TYPE_WORDS[issue.expected] ?? issue.expected];
      return issue.code === 'invalid_value' ? issue.values.map(String) : [];
    }),
  );
  const unique = [...new Set(words)];
  return `must be ${unique.length === 0 ? 'of another type' : oneOf(unique)}, not ${show(input)}.`;
}

/** Zod's default texts start with these words; anything else was written by a schema's author. */
function isOwnMessage(message: string): boolean {
  return !/^(?:Invalid|Too (?:big|small)|Unrecognized|Expected)\b/.test(message);
}

function suggestKey(key: string, known: readonly string[]): string | undefined {
  const guess = closest(key, known);
  if (guess !== null) return didYouMean(guess);
  if (known.length === 0 || known.length > 30) return undefined;
  return `Known here: ${known.join(', ')}.`;
}

export function didYouMean(guess: string): string {
  return `Did you mean ${guess}?`;
}

/** `a`, `a or b`, `a, b or c`; long lists are cut. */
export function oneOf(words: readonly string[]): string {
  const shown = words.length > 20 ? [...words.slice(0, 20), '…'] : words;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`;
}

/** A value in a message: short, on one line. Longer texts are cut. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value !== null && typeof value === 'object') return 'a map';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function sentence(message: string): string {
  return /[.!?…]$/.test(message) ? message : `${message}.`;
}
