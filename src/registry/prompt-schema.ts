/**
 * The shape of a registered prompt's file, as people write it. The strict form is for files of
 * today, whose writer can still mend them; the lenient one for states in Git history, which nobody
 * can.
 */

import { z } from 'zod';
import { TEMPLATE_FORMATS, type Json } from '../contract/prompt.ts';
import { parseTimestamp } from '../lib/time.ts';
import { isVersion } from './version-order.ts';

export const PROMPT_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,198}[A-Za-z0-9])?$/;

const MISSING_HINTS = {
  id: 'is required: the name of the prompt, e.g. support.intent-classifier',
  version: 'is required: a whole number (2) or a semantic version (1.4.0)',
  owner: "is required: if you can't write down who owns a prompt, you don't yet have a prompt",
  model: 'is required: the model it was written for, or a list of them',
  tags: 'is required: a list, e.g. [classification]; it may be empty',
} as const;

/** An error text only for a missing field; the ordinary words for everything else. */
function missing(field: keyof typeof MISSING_HINTS): { error: (issue: { input?: unknown }) => string | undefined } {
  return { error: (issue) => (issue.input === undefined ? MISSING_HINTS[field] : undefined) };
}

const id = z
  .string(missing('id'))
  .regex(PROMPT_ID, 'must consist of letters, digits and . _ - / (as in support.intent-classifier), 200 at most');

const VERSION_RULE = 'must be a whole number (2) or a semantic version in three parts (1.4.0)';

const version = z
  .custom<string | number>((value) => value !== undefined, MISSING_HINTS.version)
  .refine(
    (value) => isVersion(String(value)) && (typeof value === 'string' || Number.isSafeInteger(value)),
    VERSION_RULE,
  )
  .transform(String);

const reference = z
  .string()
  .regex(/^[^@\s]+@[^@\s]+$/, 'must name a component and its version, as in shared.safety-rules@3')
  .transform((text) => {
    const at = text.indexOf('@');
    return { id: text.slice(0, at), version: text.slice(at + 1) };
  });

const json = z.custom<Json>(isJson, 'must be plain data: texts, finite numbers, true, false, empty, lists and maps');
const parameters = z.record(z.string(), json);
const tools = z.array(json);
const metrics = z.record(z.string(), z.number());
const format = z.enum(TEMPLATE_FORMATS);
const text = z.string().min(1);
const message = z.strictObject({ role: z.string().min(1), content: z.string() });
const messages = z.array(message).min(1);
const date = z.string().refine((value) => isDate(value), 'must be a date that exists, as in 2026-04-15');

const Variant = z.strictObject({
  model: z.string().min(1),
  template: text.optional(),
  messages: messages.optional(),
  format: format.optional(),
  parameters: parameters.optional(),
  tools: tools.optional(),
});

const model = z.union([z.string().min(1), z.array(z.union([z.string().min(1), Variant])).min(1)]);

/** A prompt's file. `model` is optional here because a component needs none; `prompt-file.ts` asks for it. */
export const PromptFile = z.strictObject({
  id,
  version,
  parent: version.optional(),
  description: z.string().optional(),
  owner: z.string(missing('owner')).min(1),
  model: model.optional(),
  tags: z.array(z.string().min(1), missing('tags')),
  format: format.optional(),
  metrics: metrics.optional(),
  parameters: parameters.optional(),
  tools: tools.optional(),
  component: z.boolean().optional(),
  components: z.array(reference).optional(),
  template: text.optional(),
  messages: messages.optional(),
  created: date.optional(),
  updated: date.optional(),
});
export type PromptFile = z.infer<typeof PromptFile>;

/** What a committed state must have to count as a version. Whatever else is wrong with it is forgiven. */
export const HistoricPromptFile = z.object({
  id,
  version,
  parent: version.optional().catch(undefined),
  owner: z.string().min(1).catch('unknown'),
  model: model.optional().catch(undefined),
  tags: z.array(z.string()).catch([]),
  format: format.optional(),
  metrics: metrics.optional().catch(undefined),
  parameters: parameters.optional().catch(undefined),
  tools: tools.optional().catch(undefined),
  component: z.boolean().optional().catch(undefined),
  components: z.array(reference).optional(),
  template: z.string().optional(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })).optional(),
});

export const MISSING_MODEL = MISSING_HINTS.model;

/** A day, or a time with an offset. */
function isDate(value: string): boolean {
  return parseTimestamp(/^\d{4}-\d{2}-\d{2}$/.test(value) ? `${value}T00:00:00Z` : value) !== null;
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return typeof value === 'object' && Object.values(value).every(isJson);
}
