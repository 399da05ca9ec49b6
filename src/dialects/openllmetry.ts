/**
 * OpenLLMetry (Traceloop). Today it speaks the semantic conventions and adds `traceloop.*`; its
 * legacy form has flattened `gen_ai.prompt.N.*` and `gen_ai.completion.N.*`, which LiteLLM sends too.
 * https://www.traceloop.com/docs/openllmetry/contributing/semantic-conventions
 */

import type { Message, Operation } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { firstText, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { millisUntilEvent } from './durations.ts';
import { unflattenList } from './flattened.ts';
import { type JsonRecord, isArray, isRecord, looksLikeJson, parseJson, stringAt } from './json-text.ts';
import { messagesOf, readMessages } from './messages.ts';
import { metadataReading } from './metadata.ts';
import { finishReasons } from './names.ts';
import { prefixed, readUsage } from './semconv.ts';
import { readTools, settingsOf } from './tools.ts';

const REQUEST_TYPES = new Map<string, Operation>([
  ['chat', 'chat'],
  ['completion', 'text_completion'],
  ['embedding', 'embeddings'],
  ['embeddings', 'embeddings'],
]);

/** The second is of AgentOps, which began with these instrumentations. */
const KINDS = ['traceloop.span.kind', 'agentops.span.kind'];

function readSpan({ span, scope }: SpanInput, known: Readonly<Reading>): Reading | null {
  const { attributes } = span;
  const reading = readContext(attributes);
  const kind = firstText(attributes, KINDS);
  // CrewAI's agents name their model, and count what all their calls used; AgentOps's name it.
  if (kind === 'agent' || kind === 'workflow' || (isNoModel(kind) && !attributes.has('gen_ai.request.model'))) {
    reading.role = 'wrapper';
    if (kind === 'tool') reading.boundary = 'tool';
    if (kind === 'agent') reading.boundary = 'agent';
    return reading;
  }
  if (known.role === 'wrapper') return reading;
  const type = text(attributes, 'llm.request.type')?.toLowerCase();
  if (type === 'rerank') {
    // Nothing is said in it, and no tokens are counted.
    reading.role = 'wrapper';
    return reading;
  }
  // LiteLLM writes a name of its own there.
  const operation = scope.name.startsWith('litellm') ? undefined : REQUEST_TYPES.get(type ?? '');
  if (operation !== undefined) {
    reading.role = 'call';
    reading.operation = operation;
  }
  const firstTokenMs = millisUntilEvent('llm.content.completion.chunk', span);
  if (firstTokenMs !== undefined) reading.firstTokenMs = firstTokenMs;
  if (scope.name.startsWith('@traceloop/instrumentation-anthropic')) readUsage(reading, attributes, scope);
  readFlattened(reading, attributes, known);
  readNestedInput(reading, attributes, scope.name);
  return reading;
}

function isNoModel(kind: string | undefined): boolean {
  return kind !== undefined && kind !== 'llm';
}

/** Laminar, which has these instrumentations in JavaScript, writes its own name before them. */
const ASSOCIATIONS = [
  'traceloop.association.properties.',
  'lmnr.association.properties.',
  'lmnr.association.properties.metadata.',
];

function readContext(attributes: OtlpAttributes): Reading {
  const reading = metadataReading((key) =>
    firstText(
      attributes,
      ASSOCIATIONS.map((prefix) => prefix + key),
    ),
  );
  const name = text(attributes, 'traceloop.prompt.key');
  if (name !== undefined) {
    reading.declared = {
      name,
      version: firstText(attributes, ['traceloop.prompt.version', 'traceloop.prompt.version_hash']) ?? null,
      label: text(attributes, 'traceloop.prompt.version_name') ?? null,
    };
  }
  const template = text(attributes, 'traceloop.prompt.template');
  if (template !== undefined) reading.template = template;
  const variables = prefixed(attributes, 'traceloop.prompt.template_variables.');
  if (variables !== undefined) reading.variables = variables;
  return reading;
}

function readFlattened(reading: Reading, attributes: OtlpAttributes, known: Readonly<Reading>): void {
  const prompts = unflattenList(attributes, 'gen_ai.prompt.');
  if (prompts !== undefined && known.input === undefined) {
    const input = prompts.filter(isRecord).flatMap((prompt) => flattenedMessage(prompt, 'user'));
    if (input.length > 0) reading.input = input;
  }
  const completions = unflattenList(attributes, 'gen_ai.completion.')?.filter(isRecord);
  if (completions !== undefined && known.output === undefined) {
    const output = completions.flatMap((completion) => flattenedMessage(completion, 'assistant'));
    if (output.length > 0) reading.output = output;
    const reasons = finishReasons(completions.flatMap((completion) => stringAt(completion, 'finish_reason') ?? []));
    if (reasons !== undefined) reading.finishReasons = reasons;
  }
  const functions = unflattenList(attributes, 'llm.request.functions.');
  const settings = settingsOf(undefined, undefined, readTools(functions?.map(functionTool)));
  if (settings !== undefined) reading.settings = settings;
}

/** A content in parts is JSON text here, and a missing one the text `null`. */
function flattenedMessage(message: JsonRecord, role: string): Message[] {
  const { content } = message;
  return readMessages({ role, ...message, content: content === 'null' ? null : unwrapParts(content) }, role);
}

function unwrapParts(content: Json | undefined): Json {
  if (typeof content !== 'string' || !looksLikeJson(content)) return content ?? null;
  const parsed = parseJson(content);
  return isArray(parsed) && parsed.every((part) => isRecord(part) && 'type' in part) ? parsed : content;
}

/** `arguments` is the schema of the parameters, as JSON text. */
function functionTool(definition: Json): Json {
  if (!isRecord(definition)) return definition;
  const schema = definition['parameters'] ?? definition['arguments'];
  const parsed = typeof schema === 'string' ? parseJson(schema) : schema;
  return { name: definition['name'] ?? '', description: definition['description'] ?? '', parameters: parsed ?? null };
}

const NESTED = String.raw`"content":"[{\"`;

/** For the responses API its one text part is the whole input as JSON: `[{"role":"user",…}]`. */
function readNestedInput(reading: Reading, attributes: OtlpAttributes, scope: string): void {
  if (!scope.startsWith('@traceloop/') || text(attributes, 'gen_ai.input.messages')?.includes(NESTED) !== true) return;
  const read = messagesOf(attributes.get('gen_ai.input.messages'), 'user');
  if (read === undefined || read.isTruncated) return;
  const input = read.messages.flatMap((message) => {
    const [part] = message.parts;
    if (message.parts.length !== 1 || part?.type !== 'text' || !part.text.startsWith('[{"')) return [message];
    const nested = parseJson(part.text);
    const isInput = isArray(nested) && nested.every((item) => isRecord(item) && ('role' in item || 'type' in item));
    return isInput ? readMessages(nested, message.role) : [message];
  });
  reading.input = input;
}

export const openllmetry: Dialect = {
  name: 'openllmetry',
  keys: [
    'traceloop.',
    'agentops.span.kind',
    'lmnr.association.',
    'llm.request.type',
    'llm.request.functions.',
    'gen_ai.prompt.',
    'gen_ai.completion.',
  ],
  scopes: ['@traceloop/'],
  span: readSpan,
};
