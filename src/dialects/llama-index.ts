/**
 * LlamaIndex's own tracing: spans without attributes, and its events on them, of which each field has a name with
 * dots, and a list is JSON. Before 2026 an event had no more than its own name: of these spans none is a call.
 */

import type { Operation } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { number, plain, text } from '../otlp/attributes.ts';
import type { OtlpAttributes, OtlpEvent, OtlpValue } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { type JsonRecord, isArray, isRecord, jsonOf, numberAt, recordOf, stringAt } from './json-text.ts';
import { readMessages } from './messages.ts';
import { finishReasons } from './names.ts';
import { readParts } from './parts.ts';
import { partsOfOpenAi } from './token-parts.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { anthropicUsage, geminiUsage, tokenUsage, type Usage } from './usage.ts';

/** What starts a call, and how what goes on and ends it is called. */
const OPERATIONS = new Map<string, readonly [Operation, string]>([
  ['LLMChatStartEvent', ['chat', 'LLMChat']],
  ['LLMCompletionStartEvent', ['text_completion', 'LLMCompletion']],
  ['EmbeddingStartEvent', ['embeddings', 'Embedding']],
]);

/** By what the names of classes begin with. */
const PROVIDERS = [
  ['azure', 'azure.ai.openai'],
  ['openailike', undefined],
  ['openai', 'openai'],
  ['anthropic', 'anthropic'],
  ['bedrock', 'aws.bedrock'],
  ['genai', 'gcp.gemini'],
  ['googlegenai', 'gcp.gemini'],
  ['mistral', 'mistral_ai'],
  ['cohere', 'cohere'],
  ['ollama', 'ollama'],
  ['groq', 'groq'],
  ['deepseek', 'deepseek'],
] as const;

function readSpan({ span: { events } }: SpanInput): Reading | null {
  const start = events.find(({ name }) => OPERATIONS.has(name));
  const [operation, kind] = OPERATIONS.get(start?.name ?? '') ?? [];
  const model = start === undefined ? undefined : under(start.attributes, 'model_dict');
  if (start === undefined || operation === undefined || model === undefined) return null;
  const reading: Reading = { role: 'call', operation };
  readRequest(reading, start.attributes, model);
  const answers = events.filter(({ name }) => name === `${kind}EndEvent` || name === `${kind}InProgressEvent`);
  if (operation === 'embeddings') readEmbedded(reading, answers);
  else readAnswer(reading, answers.at(-1)?.attributes ?? new Map());
  return reading;
}

function readRequest(reading: Reading, attributes: OtlpAttributes, model: JsonRecord): void {
  const type = stringAt(model, 'class_name')?.toLowerCase() ?? '';
  const provider = PROVIDERS.find(([prefix]) => type.startsWith(prefix))?.[1];
  if (provider !== undefined) reading.provider = provider;
  const requested = stringAt(model, 'model', 'model_name', 'model_id');
  if (requested !== undefined) reading.requestModel = requested;
  const set = under(attributes, 'additional_kwargs');
  const known = ['temperature', 'max_tokens'].flatMap((key) => {
    const value = numberAt(model, key);
    return value === undefined ? [] : [[key, value] as const];
  });
  const parameters = readParameters({ ...Object.fromEntries(known), ...set });
  const settings = settingsOf(requested, parameters, readTools(set?.['tools']));
  if (settings !== undefined) reading.settings = settings;
  const prompt = text(attributes, 'prompt');
  const messages = jsonOf(attributes.get('messages'));
  const input = prompt === undefined ? messagesOf(messages, 'user') : readMessages(prompt, 'user');
  if (input.length > 0) reading.input = input;
}

function readAnswer(reading: Reading, attributes: OtlpAttributes): void {
  const raw = under(attributes, 'response.raw');
  const model = stringAt(raw, 'model', 'model_version');
  if (model !== undefined) reading.responseModel = model;
  const responseId = stringAt(raw, 'id');
  if (responseId !== undefined) reading.responseId = responseId;
  const tier = stringAt(raw, 'service_tier') ?? stringAt(recordOf(raw, 'usage'), 'service_tier');
  if (tier !== undefined) reading.serviceTier = tier;
  const choices = raw?.['choices'];
  const ended = isArray(choices) ? choices.filter(isRecord).map((choice) => stringAt(choice, 'finish_reason')) : [];
  const reasons = finishReasons(ended.filter((each) => each !== undefined)) ?? finishReasons(endOf(raw));
  if (reasons !== undefined) reading.finishReasons = reasons;
  const tokens = usageOf(raw, under(attributes, 'response.additional_kwargs'));
  if (tokens !== undefined) reading.tokens = tokens;
  const message = under(attributes, 'response.message');
  const completion = text(attributes, 'response.text');
  const output = completion === undefined ? messagesOf(message, 'assistant') : readMessages(completion, 'assistant');
  if (output.length > 0) reading.output = output;
}

/** Of Anthropic, Bedrock and Gemini. */
function endOf(raw: JsonRecord | undefined): string | undefined {
  return stringAt(raw, 'stop_reason', 'stopReason', 'finish_reason');
}

/** The provider's own counts, else those that LlamaIndex made of them, which know no parts. */
function usageOf(raw: JsonRecord | undefined, made: JsonRecord | undefined): Usage | undefined {
  const usage = recordOf(raw, 'usage');
  const exact = anthropicUsage(usage) ?? geminiUsage(recordOf(raw, 'usage_metadata'));
  if (exact !== undefined) return exact;
  const input = recordOf(usage, 'prompt_tokens_details') ?? recordOf(usage, 'input_tokens_details');
  const output = recordOf(usage, 'completion_tokens_details') ?? recordOf(usage, 'output_tokens_details');
  const beside = numberAt(usage, 'cacheReadInputTokens');
  return tokenUsage({
    input: numberAt(usage, 'prompt_tokens', 'input_tokens', 'inputTokens') ?? numberAt(made, 'prompt_tokens'),
    output:
      numberAt(usage, 'completion_tokens', 'output_tokens', 'outputTokens') ?? numberAt(made, 'completion_tokens'),
    cacheRead: beside ?? numberAt(input, 'cached_tokens'),
    cacheWrite: numberAt(usage, 'cacheWriteInputTokens'),
    reasoning: numberAt(output, 'reasoning_tokens'),
    parts: partsOfOpenAi(usage),
    excludesCache: beside !== undefined,
  });
}

/** Texts are embedded some at a time, each time with events of its own. */
function readEmbedded(reading: Reading, ends: readonly OtlpEvent[]): void {
  const counts = ends.map(({ attributes }) => number(attributes, 'token_count'));
  const input = counts.reduce<number | undefined>((sum, count) => add(sum, count), counts.length === 0 ? undefined : 0);
  if (input !== undefined) reading.tokens = { input };
  const parts = ends.flatMap(({ attributes }) => readParts(jsonOf(attributes.get('chunks'))));
  if (parts.length > 0) reading.input = [{ role: 'user', parts }];
}

function add(sum: number | undefined, count: number | undefined): number | undefined {
  return sum === undefined || count === undefined ? undefined : sum + count;
}

function messagesOf(json: Json | undefined, role: string) {
  const list = isArray(json) ? json : [json];
  return list.filter(isRecord).flatMap((message) => {
    const { blocks } = message;
    const beside = recordOf(message, 'additional_kwargs');
    const parts = isArray(blocks) ? blocks.filter(isRecord).flatMap(partOf) : [];
    const answered = stringAt(beside, 'tool_call_id');
    if (answered !== undefined) {
      const content = parts.map((part) => stringAt(part, 'text') ?? '').join('');
      return readMessages({ role: 'tool', tool_call_id: answered, content }, 'tool');
    }
    const calls = beside?.['tool_calls'];
    const said = { role: message['role'] ?? role, content: parts, ...(isArray(calls) && { tool_calls: calls }) };
    return readMessages(said, role);
  });
}

function partOf(block: JsonRecord): readonly JsonRecord[] {
  const { block_type: type, ...rest } = block;
  if (type === 'cache') return [];
  if (type !== 'tool_call') return [{ ...rest, type: type ?? 'text' }];
  return [
    {
      type,
      id: block['tool_call_id'] ?? null,
      name: block['tool_name'] ?? '',
      arguments: block['tool_kwargs'] ?? null,
    },
  ];
}

/** The provider's usage has details. */
const DEPTH_MAX = 4;

/** What fields with dots in their names were before; undefined for none. */
function under(attributes: OtlpAttributes, name: string, depth = 0): JsonRecord | undefined {
  if (depth === DEPTH_MAX) return undefined;
  const entries = [...attributes].filter(([key]) => key.startsWith(`${name}.`));
  if (entries.length === 0) return undefined;
  const record = new Map<string, Json>();
  const inner = new Set<string>();
  for (const [key, value] of entries) {
    const rest = key.slice(name.length + 1);
    const dot = rest.indexOf('.');
    if (dot > 0) inner.add(rest.slice(0, dot));
    else record.set(rest, fieldOf(value));
  }
  for (const key of inner) record.set(key, under(attributes, `${name}.${key}`, depth + 1) ?? null);
  return Object.fromEntries(record);
}

/** Lists are JSON, and so is nothing; what was a text stays one. */
function fieldOf(value: OtlpValue): Json {
  const said = plain(value);
  if (said === 'null') return null;
  const list = jsonOf(value);
  return typeof said === 'string' && isArray(list) ? list : said;
}

export const llamaIndex: Dialect = {
  name: 'llama-index',
  keys: [],
  scopes: ['llamaindex.opentelemetry'],
  span: readSpan,
};
