/** Reads prompts out of LangChain's serialised objects, the form in which LangSmith keeps them. Pure. */

import type { PromptBody, PromptMessage, PromptSettings, TemplateFormat } from '../../src/contract/prompt.ts';
import { chatBody, textBody } from '../../src/text/body.ts';
import { PLACEHOLDER } from '../../src/text/roles.ts';
import { settingsFrom } from './settings.ts';

export interface ManifestPrompt {
  readonly body: PromptBody;
  readonly format: TemplateFormat;
  readonly settings: PromptSettings | undefined;
}

interface Serialised {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const ROLES: Readonly<Record<string, string>> = {
  SystemMessagePromptTemplate: 'system',
  HumanMessagePromptTemplate: 'user',
  AIMessagePromptTemplate: 'assistant',
  SystemMessage: 'system',
  HumanMessage: 'user',
  AIMessage: 'assistant',
  MessagesPlaceholder: PLACEHOLDER,
};

const FORMATS: Readonly<Record<string, TemplateFormat>> = {
  'f-string': 'fstring',
  mustache: 'mustache',
  jinja2: 'jinja2',
};

/** Null when there is no prompt in it. */
export function promptFromManifest(manifest: unknown): ManifestPrompt | null {
  const root = serialised(manifest);
  if (root === null) return null;
  if (root.name === 'RunnableSequence') {
    // A prompt with the model that was chosen for it.
    const prompt = promptFromManifest(root.fields['first']);
    return prompt === null ? null : { ...prompt, settings: modelSettings(root.fields['last']) };
  }
  if (root.name === 'PromptTemplate') {
    const text = root.fields['template'];
    return typeof text === 'string' ? { body: textBody(text), format: formatOf(root), settings: undefined } : null;
  }
  const { messages } = root.fields;
  if (!Array.isArray(messages)) return null;
  const read = messages.map(messageFrom);
  const body = chatBody(read.map(({ message }) => message));
  return { body, format: read.find(({ format }) => format !== null)?.format ?? 'fstring', settings: undefined };
}

function serialised(value: unknown): Serialised | null {
  if (typeof value !== 'object' || value === null) return null;
  const { id, kwargs } = value as { readonly id?: unknown; readonly kwargs?: unknown };
  const name: unknown = Array.isArray(id) ? id.at(-1) : null;
  if (typeof name !== 'string' || typeof kwargs !== 'object' || kwargs === null) return null;
  return { name, fields: kwargs as Readonly<Record<string, unknown>> };
}

function formatOf({ fields }: Serialised): TemplateFormat {
  return FORMATS[String(fields['template_format'])] ?? 'fstring';
}

function messageFrom(value: unknown): { readonly message: PromptMessage; readonly format: TemplateFormat | null } {
  const message = serialised(value);
  if (message === null) return { message: { role: 'unknown', content: JSON.stringify(value) }, format: null };
  const { name, fields } = message;
  const role = ROLES[name] ?? (typeof fields['role'] === 'string' ? fields['role'] : name);
  if (name === 'MessagesPlaceholder')
    return { message: { role, content: String(fields['variable_name']) }, format: null };
  // A message of several parts has a list of templates.
  const templates = [fields['prompt']].flat().flatMap((prompt) => serialised(prompt) ?? []);
  const texts = templates.map((template) => template.fields['template']).filter((text) => typeof text === 'string');
  const content = texts.length > 0 ? texts.join('') : typeof fields['content'] === 'string' ? fields['content'] : '';
  return { message: { role, content }, format: templates[0] === undefined ? null : formatOf(templates[0]) };
}

function modelSettings(value: unknown): PromptSettings | undefined {
  const binding = serialised(value);
  const model = binding?.name === 'RunnableBinding' ? serialised(binding.fields['bound']) : binding;
  if (model === null || model === undefined) return undefined;
  const { model: name, model_name: otherName, temperature, top_p: topP, max_tokens: maxTokens } = model.fields;
  const bound = binding?.fields['kwargs'];
  const tools = typeof bound === 'object' && bound !== null && 'tools' in bound ? bound.tools : undefined;
  return settingsFrom({
    model: name ?? otherName,
    parameters: { temperature, top_p: topP, max_tokens: maxTokens },
    tools,
  }).settings;
}
