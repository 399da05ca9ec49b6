/**
 * OpenInference (Arize): `llm.*` attributes with flattened messages. Also what LangChain and
 * OpenAI Agents send through its instrumentations.
 * https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
 */

import type { Evaluation, Message, TokenParts } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { firstNumber, firstText, number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes, OtlpScope, OtlpSpan } from '../otlp/model.ts';
import { claudeRun } from './coding-agent.ts';
import { countingOf } from './counting.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { millisUntilEvent } from './durations.ts';
import { unflatten } from './flattened.ts';
import { markIncomplete } from './incomplete.ts';
import {
  type JsonRecord,
  isArray,
  isRecord,
  jsonOf,
  numberAt,
  recordAt,
  recordOf,
  stringAt,
  textsOf,
} from './json-text.ts';
import { addMessages, messagesOf, readMessages } from './messages.ts';
import { metadataReading } from './metadata.ts';
import { costOf, dollars, finishReasons, providerName } from './names.ts';
import { isStandIn, readParts } from './parts.ts';
import { responseIdIn } from './response-id.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { oneHourWritesIn, tokenParts } from './token-parts.ts';
import { anthropicUsage, tokenUsage } from './usage.ts';
import { webSearchesIn } from './web-searches.ts';

function readSpan({ span, scope }: SpanInput, known: Readonly<Reading>): Reading | null {
  const { attributes } = span;
  const kind = text(attributes, 'openinference.span.kind')?.toUpperCase();
  if (kind === undefined) return null;
  const reading = readContext(attributes);
  const isQuery = kind === 'AGENT' && isClaudeQuery(attributes, scope);
  if (kind !== 'LLM' && kind !== 'EMBEDDING' && !isQuery) {
    reading.role = 'wrapper';
    if (kind === 'TOOL') reading.boundary = 'tool';
    if (kind === 'AGENT') reading.boundary = 'agent';
    return reading;
  }
  reading.role = 'call';
  // Claude Code may report its requests by itself.
  if (isQuery) Object.assign(reading, claudeRun(text(attributes, 'session.id')), { isSum: true });
  reading.operation = kind === 'EMBEDDING' ? 'embeddings' : isSound(attributes) ? 'other' : 'chat';
  const request = recordAt(attributes, 'llm.invocation_parameters');
  readModels(reading, attributes, request, scope.name === BEDROCK);
  readUsage(reading, attributes, scope);
  readContent(reading, span, request, known);
  // The second is of its middleware for TanStack AI.
  const reasons = finishReasons(firstText(attributes, ['llm.finish_reason', 'tanstack.ai.finish_reason']));
  if (reasons !== undefined) reading.finishReasons = reasons;
  // Plain text is what the model said, even where that is JSON.
  const isText = text(attributes, 'output.mime_type') === 'text/plain';
  const firstTokenMs = millisUntilEvent('First Token Stream Event', span);
  if (firstTokenMs !== undefined) reading.firstTokenMs = firstTokenMs;
  const responseId = isText ? undefined : responseIdIn(text(attributes, 'output.value'));
  if (responseId !== undefined) reading.responseId = responseId;
  if (!isText && reading.tokens !== undefined) addFromResponse(reading, text(attributes, 'output.value'));
  return reading;
}

/** Of Pipecat, for which what hears and what speaks are models like others. */
function isSound(attributes: OtlpAttributes): boolean {
  const service = text(attributes, 'service.type');
  return service === 'stt' || service === 'tts';
}

/** Of Claude's Agent SDK, in JavaScript and Python: the sum of all requests of a query. */
const CLAUDE_AGENT = /claude[-_]agent[-_]sdk$/;

function isClaudeQuery(attributes: OtlpAttributes, { name }: OtlpScope): boolean {
  return CLAUDE_AGENT.test(name) && (number(attributes, 'llm.token_count.completion') ?? 0) > 0;
}

/** How long the cache keeps what was written, and how often the web was searched, only the response says. */
function addFromResponse(reading: Reading, response: string | undefined): void {
  const webSearches = webSearchesIn(response);
  if (webSearches !== undefined) reading.tokens = { webSearches, ...reading.tokens };
  if ((reading.tokens?.cacheWrite ?? 0) === 0) return;
  const parts = tokenParts({ cache_write_1h: oneHourWritesIn(response) });
  if (parts !== undefined) reading.tokens = { ...reading.tokens, parts: { ...reading.tokens?.parts, ...parts } };
}

function readContext(attributes: OtlpAttributes): Reading {
  const metadata = attributes.has('metadata') ? recordAt(attributes, 'metadata') : undefined;
  const reading = metadata === undefined ? {} : metadataReading((key) => stringAt(metadata, key));
  const name = text(attributes, 'prompt.id') ?? reading.declared?.name;
  const version = text(attributes, 'llm.prompt_template.version') ?? reading.declared?.version ?? null;
  if (name !== undefined) reading.declared = { name, version, label: reading.declared?.label ?? null };
  const template = text(attributes, 'llm.prompt_template.template');
  if (template !== undefined) reading.template = template;
  const variables = recordAt(attributes, 'llm.prompt_template.variables');
  if (variables !== undefined) reading.variables = textsOf(variables);
  const evaluations = [...readEvaluations(attributes, 'annotation'), ...readEvaluations(attributes, 'evaluation')];
  if (evaluations.length > 0) reading.evaluations = evaluations;
  return reading;
}

/** `annotations.N.annotation.*` are people's, `evaluations.N.evaluation.*` are machines'. */
function readEvaluations(attributes: OtlpAttributes, kind: 'annotation' | 'evaluation'): Evaluation[] {
  const list = unflatten(attributes, `${kind}s.`);
  if (!isArray(list)) return [];
  return list.flatMap((item) => {
    const record = isRecord(item) ? item[kind] : undefined;
    if (!isRecord(record)) return [];
    const name = stringAt(record, 'name');
    if (name === undefined) return [];
    return [
      {
        name,
        score: numberAt(record, 'score') ?? null,
        label: stringAt(record, 'label') ?? null,
        explanation: stringAt(record, 'explanation') ?? null,
      },
    ];
  });
}

/** `llm.model_name` is the answered model where there was an answer, else the asked one. */
function readModels(
  reading: Reading,
  attributes: OtlpAttributes,
  request: JsonRecord | undefined,
  isBedrock: boolean,
): void {
  const provider = providerName(
    firstText(attributes, ['llm.provider', 'llm.system']) ?? stringAt(recordAt(attributes, 'metadata'), 'ls_provider'),
  );
  if (provider !== undefined) reading.provider = provider;
  const first = firstText(attributes, ['llm.model_name', 'embedding.model_name']);
  // LangChain's Gemini has no parameter that names it.
  const named = isBedrock
    ? bedrockModel(attributes, first)
    : (first ?? stringAt(recordAt(attributes, 'metadata'), 'ls_model_name'));
  // Of the OpenAI Agents SDK the "parameters" are the response's body, and so is the model in them.
  const isResponse = request !== undefined && 'id' in request && 'created_at' in request;
  const asked =
    text(attributes, 'llm.request.model_name') ??
    (isResponse ? undefined : (stringAt(request, 'model', 'model_name') ?? named));
  const answered = text(attributes, 'llm.response.model_name') ?? (attributes.has('output.value') ? named : undefined);
  if (asked !== undefined) reading.requestModel = asked;
  if (answered !== undefined) reading.responseModel = answered;
  const tools = unflatten(attributes, 'llm.tools.');
  const schemas = isArray(tools) ? tools.flatMap((entry) => toolSchema(entry)) : undefined;
  const settings = settingsOf(asked, readParameters(request), readTools(schemas));
  if (settings !== undefined) reading.settings = settings;
}

/**
 * In JavaScript the second word of Bedrock's id is called the model: of `eu.anthropic.claude-…` that is who made it.
 * The id stands in the request of Converse; of InvokeModel, Claude's answer says what it is.
 */
function bedrockModel(attributes: OtlpAttributes, named: string | undefined): string | undefined {
  const id = stringAt(recordAt(attributes, 'input.value'), 'modelId');
  if (id !== undefined) return id;
  return named !== undefined && /^[a-z]\w*$/.test(named)
    ? stringAt(recordAt(attributes, 'output.value'), 'model')
    : named;
}

function toolSchema(entry: Json): Json[] {
  const tool = isRecord(entry) && isRecord(entry['tool']) ? entry['tool'] : undefined;
  const schema = tool?.['json_schema'];
  if (typeof schema !== 'string') return schema === undefined || schema === null ? [] : [schema];
  const parsed = jsonOf(schema);
  return parsed === undefined ? [] : [parsed];
}

/** For Bedrock in JavaScript what its models count is sent as it is: of Anthropic's without a total, of others without parts. */
const BEDROCK = '@arizeai/openinference-instrumentation-bedrock';
/** Agno counts as the APIs do that it asks; of these Claude's leaves out what came from a cache. */
const AGNO = 'openinference.instrumentation.agno';
const CLAUDE_PROVIDERS = new Set(['anthropic', 'vertexai', 'awsbedrock', 'awsanthropic', 'aws']);

/** The second is of Envoy's AI Gateway. */
const CACHE_WRITE = ['llm.token_count.prompt_details.cache_write', 'llm.token_count.prompt_details.cache_creation'];

/** The second is of TensorZero, which can speak in these words. */
const COST = ['llm.cost.total', 'tensorzero.cost_usd'];

function readUsage(reading: Reading, attributes: OtlpAttributes, scope: OtlpScope): void {
  const { leavesCacheOut, hidesCache, leavesThoughtsOut } = countingOf(scope);
  const total = number(attributes, 'llm.token_count.total');
  const output = number(attributes, 'llm.token_count.completion');
  const isBedrock = scope.name === BEDROCK;
  // Of Converse the parts stand in the answer only.
  const own = isBedrock ? recordOf(recordAt(attributes, 'output.value'), 'usage') : undefined;
  const cacheRead =
    number(attributes, 'llm.token_count.prompt_details.cache_read') ?? numberAt(own, 'cacheReadInputTokens');
  const cacheWrite = firstNumber(attributes, CACHE_WRITE) ?? numberAt(own, 'cacheWriteInputTokens');
  const isClaudeAgent = CLAUDE_AGENT.test(scope.name);
  const isSilent = cacheRead === undefined && cacheWrite === undefined;
  // In JavaScript nearly all input of such a query came from a cache, and is left out: the rest would have a price.
  const isLost = isClaudeAgent && isSilent;
  const input = isLost ? undefined : number(attributes, 'llm.token_count.prompt');
  const isRest = isBedrock && isSilent && (input ?? 0) > 0;
  const counted = tokenUsage({
    input: isRest && total !== undefined && output !== undefined ? Math.max(input ?? 0, total - output) : input,
    output,
    cacheRead,
    cacheWrite,
    reasoning: number(attributes, 'llm.token_count.completion_details.reasoning'),
    total,
    parts: audioOf(attributes),
    excludesCache:
      leavesCacheOut ||
      isClaudeAgent ||
      (isBedrock && total === undefined) ||
      (scope.name === AGNO && isClaude(attributes)),
    excludesReasoning: leavesThoughtsOut || (reading.provider?.startsWith('google_') ?? false),
  });
  const exact = hidesCache ? anthropicUsage(recordOf(recordAt(attributes, 'output.value'), 'usage')) : undefined;
  const tokens = exact ?? counted;
  if (tokens !== undefined) reading.tokens = tokens;
  if (isLost || (hidesCache && exact === undefined && tokens !== undefined)) {
    markIncomplete(reading, 'usage_without_cache');
  }
  const parts = [number(attributes, 'llm.cost.prompt'), number(attributes, 'llm.cost.completion')];
  const cost = dollars(firstNumber(attributes, COST) ?? costOf(parts));
  if (cost !== undefined) reading.reportedCostUsd = cost;
}

/** Mostly sent as zeros, with every call. */
function audioOf(attributes: OtlpAttributes): TokenParts | undefined {
  const heard = number(attributes, 'llm.token_count.prompt_details.audio') ?? 0;
  const spoken = number(attributes, 'llm.token_count.completion_details.audio') ?? 0;
  return heard === 0 && spoken === 0 ? undefined : tokenParts({ input_audio: heard, output_audio: spoken });
}

function isClaude(attributes: OtlpAttributes): boolean {
  const provider = text(attributes, 'llm.provider')?.toLowerCase() ?? '';
  return CLAUDE_PROVIDERS.has(provider) && (text(attributes, 'llm.model_name') ?? '').includes('claude');
}

function readContent(
  reading: Reading,
  { attributes, droppedAttributes }: OtlpSpan,
  request: JsonRecord | undefined,
  known: Readonly<Reading>,
): void {
  if (known.input === undefined) {
    const flattened = flattenedMessages(attributes, 'llm.input_messages.', 'user') ?? embeddingTexts(attributes);
    // A long chat loses flattened messages to the limit of 128 attributes; the raw request is one attribute.
    const isCut = droppedAttributes > 0 || flattened === undefined;
    const raw = isCut ? messagesOf(attributes.get('input.value'), 'user') : undefined;
    const isLonger = raw?.isTruncated === false && raw.messages.length > (flattened?.length ?? 0);
    if (flattened !== undefined && !isLonger) reading.input = flattened;
    else addMessages(reading, 'input', raw);
    // Anthropic's instructions stand beside the messages, in the request.
    const parts = readParts(request?.['system']);
    if (parts.length > 0) reading.system = [{ role: 'system', parts }];
  }
  if (known.output !== undefined || reading.operation === 'embeddings') return;
  const output = flattenedMessages(attributes, 'llm.output_messages.', 'assistant');
  if (output !== undefined) reading.output = output;
  else addMessages(reading, 'output', messagesOf(attributes.get('output.value'), 'assistant'));
}

function flattenedMessages(attributes: OtlpAttributes, prefix: string, role: string): readonly Message[] | undefined {
  const list = unflatten(attributes, prefix);
  if (!isArray(list)) return undefined;
  const unwrapped = list.flatMap((item) => {
    const message = isRecord(item) ? item['message'] : undefined;
    return isRecord(message) ? [unwrapMessage(message)] : [];
  });
  // Roles and calls of tools are sent even where their texts are hidden; they alone are not what was said.
  if (unwrapped.some(({ content }) => isHidden(content))) return undefined;
  const messages = unwrapped.flatMap((message) => readMessages(message, role));
  return messages.length === 0 ? undefined : messages;
}

function isHidden(content: Json | undefined): boolean {
  return isArray(content) ? content.some((part) => isRecord(part) && isStandIn(part['text'])) : isStandIn(content);
}

const FUNCTION_ARGUMENTS = 'function_call_arguments_json';

/** Takes off the wrappers that flattening needs: `message_content`, `tool_call`, `image.image`. */
function unwrapMessage(message: JsonRecord): JsonRecord {
  const contents = isArray(message['contents']) ? message['contents'].map(unwrapContent) : undefined;
  const calls = isArray(message['tool_calls'])
    ? message['tool_calls'].map((entry) => (isRecord(entry) ? (entry['tool_call'] ?? entry) : entry))
    : undefined;
  // Before there were tools.
  const called = message['function_call_name'];
  return {
    role: message['role'] ?? null,
    content: contents ?? message['content'] ?? null,
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(called === undefined
      ? {}
      : { function_call: { name: called, arguments: message[FUNCTION_ARGUMENTS] ?? null } }),
    ...(message['tool_call_id'] === undefined ? {} : { tool_call_id: message['tool_call_id'] }),
  };
}

function unwrapContent(entry: Json): Json {
  if (!isRecord(entry)) return entry;
  if (isRecord(entry['tool_call'])) return { type: 'tool_use', ...entry['tool_call'] };
  const content = isRecord(entry['message_content']) ? entry['message_content'] : entry;
  const image = isRecord(content['image']) ? content['image']['image'] : undefined;
  return isRecord(image) ? { type: 'image', ...image } : content;
}

function embeddingTexts(attributes: OtlpAttributes): readonly Message[] | undefined {
  const list = unflatten(attributes, 'embedding.embeddings.');
  if (!isArray(list)) return undefined;
  const parts = list.flatMap((item) => {
    const embedding = isRecord(item) ? item['embedding'] : undefined;
    return isRecord(embedding) ? readParts(embedding['text']) : [];
  });
  return parts.length === 0 ? undefined : [{ role: 'user', parts }];
}

export const openinference: Dialect = { name: 'openinference', keys: ['openinference.'], span: readSpan };
