/**
 * MLflow tracing: `mlflow.*` attributes, every one of them JSON text, even a bare word
 * (`"CHAT_MODEL"` with its quotes). https://mlflow.org/docs/latest/genai/tracing/
 */

import type { Operation } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { markIncomplete } from './incomplete.ts';
import { isArray, isRecord, jsonOf, numberAt, parseJson, recordAt, recordOf, stringAt } from './json-text.ts';
import { addMessages, messagesOf } from './messages.ts';
import { dollars, providerName } from './names.ts';
import { responseIdIn } from './response-id.ts';
import { partsOfOpenAi } from './token-parts.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { anthropicUsage, tokenUsage } from './usage.ts';

const CALLS = new Map<string, Operation>([
  ['LLM', 'chat'],
  ['CHAT_MODEL', 'chat'],
  ['EMBEDDING', 'embeddings'],
]);

function readSpan({ span }: SpanInput): Reading | null {
  const { attributes } = span;
  const reading = readContext(attributes);
  const type = word(attributes, 'mlflow.spanType');
  const operation = CALLS.get(type ?? '');
  if (operation === undefined) {
    if (type === undefined && Object.keys(reading).length === 0) return null;
    reading.role = 'wrapper';
    if (type === 'TOOL') reading.boundary = 'tool';
    if (type === 'AGENT') reading.boundary = 'agent';
    return reading;
  }
  reading.role = 'call';
  reading.operation = operation;
  const asked = jsonOf(attributes.get('mlflow.spanInputs'));
  const answered = jsonOf(attributes.get('mlflow.spanOutputs'));
  readModel(reading, attributes, asked, answered);
  readUsage(reading, attributes, answered);
  addMessages(reading, 'input', messagesOf(attributes.get('mlflow.spanInputs'), 'user', asked));
  if (operation === 'embeddings') return reading;
  addMessages(reading, 'output', messagesOf(attributes.get('mlflow.spanOutputs'), 'assistant', answered));
  return reading;
}

function word(attributes: OtlpAttributes, key: string): string | undefined {
  const raw = text(attributes, key);
  const parsed = raw?.startsWith('"') === true ? parseJson(raw) : raw;
  return typeof parsed === 'string' ? parsed : undefined;
}

function readContext(attributes: OtlpAttributes): Reading {
  const reading: Reading = {};
  const linked = jsonOf(
    attributes.get('mlflow.linkedPrompts') ?? attributes.get('mlflow.traceTag.mlflow.linkedPrompts'),
  );
  // A trace may be linked to all prompts that its calls use; only one alone is surely this call's.
  const [prompt, another] = isArray(linked) ? linked.filter(isRecord) : [];
  const name = another === undefined ? stringAt(prompt, 'name') : undefined;
  if (name !== undefined) reading.declared = { name, version: stringAt(prompt, 'version') ?? null, label: null };
  const session = word(attributes, 'mlflow.trace.session');
  if (session !== undefined) reading.conversationId = session;
  const user = word(attributes, 'mlflow.trace.user');
  if (user !== undefined) reading.userId = user;
  return reading;
}

function readModel(
  reading: Reading,
  attributes: OtlpAttributes,
  request: Json | undefined,
  response: Json | undefined,
): void {
  const provider = providerName(word(attributes, 'mlflow.llm.provider'));
  if (provider !== undefined) reading.provider = provider;
  const body = isRecord(request) ? request : undefined;
  const asked = stringAt(body, 'model') ?? word(attributes, 'mlflow.llm.model');
  if (asked !== undefined) reading.requestModel = asked;
  const answered = isRecord(response) ? stringAt(response, 'model') : undefined;
  if (answered !== undefined) reading.responseModel = answered;
  const responseId = responseIdIn(text(attributes, 'mlflow.spanOutputs'));
  if (responseId !== undefined) reading.responseId = responseId;
  const tools = jsonOf(attributes.get('mlflow.chat.tools')) ?? body?.['tools'];
  const settings = settingsOf(asked, readParameters(body), readTools(tools));
  if (settings !== undefined) reading.settings = settings;
}

/**
 * Its hook into Anthropic's client counts in that API's words, without cached input; its hook into
 * LangChain counts the same provider's with it.
 */
function readUsage(reading: Reading, attributes: OtlpAttributes, response: Json | undefined): void {
  const usage = recordAt(attributes, 'mlflow.chat.tokenUsage');
  const answered = isRecord(response) ? recordOf(response, 'usage') : undefined;
  const exact = anthropicUsage(answered);
  const isOfClient = word(attributes, 'mlflow.message.format') === 'anthropic';
  const input = numberAt(usage, 'input_tokens');
  const tokens =
    exact ??
    tokenUsage({
      input,
      output: numberAt(usage, 'output_tokens'),
      cacheRead: numberAt(usage, 'cache_read_input_tokens'),
      cacheWrite: numberAt(usage, 'cache_creation_input_tokens'),
      total: numberAt(usage, 'total_tokens'),
      parts: partsOfOpenAi(answered),
      excludesCache: isOfClient,
    });
  if (tokens !== undefined) reading.tokens = tokens;
  const isUnsure = exact === undefined && (isOfClient || reading.provider === 'anthropic');
  // Nothing told what belongs to the input, and something may.
  const isAsGiven = tokens?.input !== undefined && tokens.input === input;
  const usesNoCache = tokens?.cacheRead === 0 && tokens.cacheWrite === 0;
  if (isUnsure && isAsGiven && !usesNoCache) markIncomplete(reading, 'usage_without_cache');
  const cost = dollars(numberAt(recordAt(attributes, 'mlflow.llm.cost'), 'total_cost'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
}

export const mlflow: Dialect = { name: 'mlflow', keys: ['mlflow.'], span: readSpan };
