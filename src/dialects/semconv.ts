/**
 * OpenTelemetry's semantic conventions for generative AI, every form since 1.26: attributes as
 * JSON text or structured, span events, and the details event as a log. Elastic, Azure and many
 * others speak it as it is; for the rest it is the base that stronger dialects build on.
 * https://github.com/open-telemetry/semantic-conventions-genai
 */

import type { Operation } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { booleanOf, firstNumber, firstText, number, plain, text, texts } from '../otlp/attributes.ts';
import type { OtlpAttributes, OtlpScope, OtlpSpan, OtlpValue } from '../otlp/model.ts';
import { countingOf } from './counting.ts';
import type { Dialect, LogInput, Reading, SpanInput } from './dialect.ts';
import { millisUntilEvent } from './durations.ts';
import { isArray, jsonOf, parseJson, recordOfEntries } from './json-text.ts';
import { markIncomplete } from './incomplete.ts';
import { addMessages, finishReasonsIn, messagesOf } from './messages.ts';
import { dollars, finishReasons, modelName, promptName, providerName } from './names.ts';
import { countedOperationOf, operationOf } from './operations.ts';
import { DETAILS_EVENT, isMessageEvent, readInstructions, readMessageEvent, readSpanEvents } from './semconv-events.ts';
import { readTools, settingsOf } from './tools.ts';
import { tokenUsage, type Usage } from './usage.ts';

export const EVALUATION_EVENT = 'gen_ai.evaluation.result';
/** The conventions have no words for who judged, for what identifies a judgement, nor for taking one back. */
export const JUDGED_BY = 'plumbline.evaluation.by';
export const JUDGEMENT_ID = 'plumbline.evaluation.id';
export const JUDGEMENT_WITHDRAWN = 'plumbline.evaluation.withdrawn';
const EXCEPTION_EVENT = 'gen_ai.client.operation.exception';

const BOUNDARIES = new Map<string, 'tool' | 'agent'>([
  ['execute_tool', 'tool'],
  ['invoke_agent', 'agent'],
  ['invoke_workflow', 'agent'],
]);

function readSpan({ span, scope }: SpanInput, known: Readonly<Reading>): Reading | null {
  const { attributes } = span;
  const reading: Reading = {};
  const operation = text(attributes, 'gen_ai.operation.name');
  classify(reading, span, operation, known);
  // Content and usage of agents and steps repeat those of the calls below them.
  readContext(reading, attributes);
  if ((known.role ?? reading.role) === 'wrapper') return reading;
  readModel(reading, attributes);
  readUsage(reading, attributes, scope);
  readContent(reading, attributes, known);
  if (span.events.length > 0) {
    readSpanEvents(reading, span.events);
    readJudgements(reading, span.events);
    // Of OpenLLMetry's streams in Python.
    const firstTokenMs = millisUntilEvent('gen_ai.content.completion.chunk', span);
    if (firstTokenMs !== undefined) reading.firstTokenMs ??= firstTokenMs;
  }
  const reasons = finishReasons(readFinishReasons(attributes));
  if (reasons !== undefined) reading.finishReasons = reasons;
  return reading;
}

function classify(
  reading: Reading,
  { name, attributes }: OtlpSpan,
  operation: string | undefined,
  known: Readonly<Reading>,
): void {
  // Each message of a realtime session has a span with its name; those that counted tokens are answers.
  const isRealtime = operation === 'realtime' || (operation === 'chat' && REALTIME_NAME.test(name));
  const call = isRealtime ? (isAnswer(attributes) ? 'chat' : undefined) : namedCall(operation, attributes);
  if (call !== undefined) {
    reading.role = 'call';
    reading.operation = call;
  } else if (operation !== undefined) {
    const boundary = BOUNDARIES.get(operation);
    if (boundary !== undefined && known.role === undefined) reading.boundary = boundary;
    const isAgentSum = reading.boundary === 'agent' && isAnsweredAgent(attributes);
    reading.role = isAgentSum ? 'call' : 'wrapper';
    if (isAgentSum) reading.operation = 'chat';
  } else if (attributes.has('gen_ai.tool.name')) {
    // TanStack AI's, which lie in the call that asked for them.
    reading.role = 'wrapper';
    if (known.role === undefined) reading.boundary = 'tool';
  } else if (isUnnamedCall(attributes)) {
    reading.role = 'call';
    reading.operation = 'chat';
  } else reading.role = 'wrapper';
}

/** Of an agent that a provider runs, as those of Azure's Foundry, nothing else reports what it asked its model. */
function isAnsweredAgent(attributes: OtlpAttributes): boolean {
  return attributes.has('gen_ai.response.id') && OUTPUT.some((key) => attributes.has(key));
}

function namedCall(operation: string | undefined, attributes: OtlpAttributes): Operation | undefined {
  const isCounted = OUTPUT.some((key) => attributes.has(key));
  return operationOf(operation) ?? (isCounted ? countedOperationOf(operation) : undefined);
}

/**
 * Newer .NET and OpenLLMetry call it a chat, and only the span's name tells; in .NET an answer is told by being
 * streamed too.
 */
const REALTIME_NAME = /^(?:realtime(?: |$)|openai\.session$)/;

function isAnswer(attributes: OtlpAttributes): boolean {
  return attributes.has('gen_ai.usage.output_tokens') || booleanOf(attributes.get('gen_ai.request.stream')) === true;
}

/** Before 1.27 and in hand-written spans the operation's name is missing: a model and tokens make a call. */
function isUnnamedCall(attributes: OtlpAttributes): boolean {
  if (!attributes.has('gen_ai.request.model') && !attributes.has('gen_ai.response.model')) return false;
  return ['gen_ai.system', 'gen_ai.provider.name', ...INPUT, ...OUTPUT].some((key) => attributes.has(key));
}

/** The third is of Azure's agents, the last of Spring AI, whose chat client knows it, around the calls. */
const CONVERSATION = [
  'gen_ai.conversation.id',
  'gen_ai.session.id',
  'gen_ai.thread.id',
  'spring.ai.chat.client.conversation.id',
];
/** The second is of OpenLLMetry and AgentOps. */
const USER = ['gen_ai.user.id', 'gen_ai.user'];

function readContext(reading: Reading, attributes: OtlpAttributes): void {
  // The conventions have no name for a user; those of Alibaba Cloud's, which Dify and others use, have one.
  const conversation = firstText(attributes, CONVERSATION);
  if (conversation !== undefined) reading.conversationId = conversation;
  const user = firstText(attributes, USER);
  if (user !== undefined) reading.userId = user;
  if (!attributes.has('gen_ai.prompt.name')) return;
  const name = promptName(text(attributes, 'gen_ai.prompt.name'));
  const version = text(attributes, 'gen_ai.prompt.version') ?? null;
  if (name !== undefined) reading.declared = { name, version, label: null };
  const variables = prefixed(attributes, 'gen_ai.prompt.variable.');
  if (variables !== undefined) reading.variables = variables;
}

/** Attributes below a prefix as name → text. */
export function prefixed(attributes: OtlpAttributes, prefix: string): Readonly<Record<string, string>> | undefined {
  const found: [string, string][] = [];
  for (const key of attributes.keys()) {
    if (key.startsWith(prefix)) found.push([key.slice(prefix.length), text(attributes, key) ?? '']);
  }
  return recordOfEntries(found);
}

/** Parameters, by name and attribute. */
const PARAMETERS = [
  'temperature',
  'top_p',
  'top_k',
  'max_tokens',
  'frequency_penalty',
  'presence_penalty',
  'stop_sequences',
  'seed',
  'choice.count',
  'reasoning.effort',
  'reasoning.level',
].map((name) => [name, `gen_ai.request.${name}`] as const);

// The last is of Cloudflare's AI Gateway.
const PROVIDER = ['gen_ai.provider.name', 'gen_ai.system', 'gen_ai.model.provider'];

function readModel(reading: Reading, attributes: OtlpAttributes): void {
  const provider = providerName(firstText(attributes, PROVIDER));
  if (provider !== undefined) reading.provider = provider;
  const requestModel = modelName(text(attributes, 'gen_ai.request.model'));
  if (requestModel !== undefined) reading.requestModel = requestModel;
  const responseModel = modelName(text(attributes, 'gen_ai.response.model'));
  if (responseModel !== undefined) reading.responseModel = responseModel;
  const responseId = text(attributes, 'gen_ai.response.id');
  // Of an image, which has no id, OpenLIT writes the second in which it was made.
  if (responseId !== undefined && !/^\d{10}$/.test(responseId)) reading.responseId = responseId;
  const firstTokenS = firstNumber(attributes, [
    'gen_ai.response.time_to_first_chunk',
    'gen_ai.client.operation.time_to_first_chunk',
    'gen_ai.server.time_to_first_token',
    // OpenLIT, once.
    'gen_ai.server.ttft',
    // vLLM and SGLang.
    'gen_ai.latency.time_to_first_token',
    // AgentOps.
    'gen_ai.streaming.time_to_first_token',
  ]);
  if (firstTokenS !== undefined && firstTokenS > 0) reading.firstTokenMs = firstTokenS * 1_000;
  const parameters: [string, Json][] = [];
  for (const [name, key] of PARAMETERS) {
    const value = attributes.get(key);
    // An empty list is what somebody sends who was given none.
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    parameters.push([name, parameterOf(name, plain(value))]);
  }
  const tools = attributes.get('gen_ai.tool.definitions');
  const settings = settingsOf(
    requestModel,
    recordOfEntries(parameters),
    tools === undefined ? undefined : readTools(jsonOf(tools)),
  );
  if (settings !== undefined) reading.settings = settings;
}

/** The last of both are LangChain4j's. */
const INPUT = ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'input_tokens'];
const OUTPUT = ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'output_tokens'];

const CACHE_READ = [
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_read_input_tokens',
  'gen_ai.usage.cached_input_tokens',
  'gen_ai.usage.cached_tokens',
  'gen_ai.usage.input_cached_tokens',
  'gen_ai.usage.prompt_tokens_details.cache_read',
  'gen_ai.usage.prompt_tokens_details.cached_tokens',
  'gen_ai.usage.input_tokens.cached',
  'gen_ai.usage.details.cache_read_tokens',
  'gen_ai.usage.details.cached_tokens',
];
const CACHE_WRITE = [
  'gen_ai.usage.cache_write.input_tokens',
  'gen_ai.usage.cache_creation.input_tokens',
  'gen_ai.usage.cache_creation_input_tokens',
  'gen_ai.usage.cache_write_input_tokens',
  'gen_ai.usage.cache_write_tokens',
  'gen_ai.usage.prompt_tokens_details.cache_write',
  'gen_ai.usage.input_tokens.cache_write',
  'gen_ai.usage.details.cache_write_tokens',
];
const REASONING = [
  'gen_ai.usage.reasoning.output_tokens',
  'gen_ai.usage.reasoning_tokens',
  'gen_ai.usage.output_tokens.reasoning',
  'gen_ai.usage.completion_tokens_details.reasoning',
  'gen_ai.usage.completion_tokens_details.reasoning_tokens',
  // Laminar, of OpenAI Agents.
  'gen_ai.usage.reasoning_output_tokens',
  // pydantic-ai, in the words of the API that it asks.
  'gen_ai.usage.details.reasoning_tokens',
  'gen_ai.usage.details.thoughts_tokens',
  'gen_ai.usage.details.thinking_tokens',
];
/** The second is of TensorZero. */
const COST = ['gen_ai.usage.total_cost', 'tensorzero.cost_usd'];
const TOTAL = ['gen_ai.usage.total_tokens', 'llm.usage.total_tokens'];

/** In the way of counting of who sends it. */
export function readUsage(reading: Reading, attributes: OtlpAttributes, scope: OtlpScope, excludesCache = false): void {
  const { leavesCacheOut, leavesCacheOutWhereWritten, hidesCache, hidesCacheOfBedrock, leavesThoughtsOut } =
    countingOf(scope);
  const cacheWrite = firstNumber(attributes, CACHE_WRITE);
  const tokens = tokenUsage({
    input: firstNumber(attributes, INPUT),
    output: firstNumber(attributes, OUTPUT),
    cacheRead: firstNumber(attributes, CACHE_READ),
    cacheWrite,
    reasoning: firstNumber(attributes, REASONING),
    total: firstNumber(attributes, TOTAL),
    excludesCache: excludesCache || leavesCacheOut || (leavesCacheOutWhereWritten && cacheWrite !== undefined),
    // What Bedrock's total has besides is cached input.
    excludesReasoning: leavesThoughtsOut && cacheWrite === undefined,
  });
  const cost = dollars(firstNumber(attributes, COST));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  if (tokens === undefined) return;
  reading.tokens = tokens;
  addThoughts(tokens, attributes);
  const isSilent = tokens.cacheRead === undefined && tokens.cacheWrite === undefined;
  if (isSilent && (hidesCache || (hidesCacheOfBedrock && usesCache(attributes)))) {
    markIncomplete(reading, 'usage_without_cache');
  }
}

/** Of the models that Bedrock has, those that can cache. */
function usesCache(attributes: OtlpAttributes): boolean {
  return /anthropic|nova/.test(text(attributes, 'gen_ai.request.model') ?? '');
}

/** Google's ADK, while it called them experimental, did not count a model's thoughts as output. */
function addThoughts(tokens: Usage, attributes: OtlpAttributes): void {
  const thoughts = number(attributes, 'gen_ai.usage.experimental.reasoning_tokens');
  if (thoughts === undefined || !Number.isInteger(thoughts) || thoughts < 0 || tokens.reasoning !== undefined) return;
  tokens.reasoning = thoughts;
  if (tokens.output !== undefined && tokens.output !== null) tokens.output += thoughts;
}

/**
 * OpenRouter and others have the names that events had in 1.26; Cloudflare's AI Gateway, and who writes by hand,
 * `_json`; any-agent the last.
 */
const ASKED = ['gen_ai.input.messages', 'gen_ai.prompt', 'gen_ai.prompt_json'];
const ANSWERED = ['gen_ai.output.messages', 'gen_ai.completion', 'gen_ai.completion_json', 'gen_ai.output'];

function firstOf(attributes: OtlpAttributes, keys: readonly string[]): OtlpValue | undefined {
  for (const key of keys) {
    const value = attributes.get(key);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

function readContent(reading: Reading, attributes: OtlpAttributes, known: Readonly<Reading>): void {
  if (known.system === undefined) readInstructions(reading, attributes);
  if (booleanOf(attributes.get('anthropic.content.truncated')) === true) markIncomplete(reading, 'content_truncated');
  if (known.input === undefined) {
    const asked = firstOf(attributes, ASKED);
    addMessages(reading, 'input', messagesOf(asked, 'user'));
  }
  if (known.output !== undefined) return;
  const answered = firstOf(attributes, ANSWERED);
  const output = messagesOf(answered, 'assistant');
  addMessages(reading, 'output', output);
  const reasons = finishReasonsIn(output);
  if (reasons !== undefined) reading.finishReasons = reasons;
}

/** Of Micrometer, with which Spring AI writes, every attribute is a text. */
function parameterOf(name: string, value: Json): Json {
  if (typeof value !== 'string') return value;
  if (name !== 'stop_sequences') return /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
  const parsed = value.startsWith('[') ? parseJson(value) : undefined;
  return isArray(parsed) ? parsed.map(String) : value;
}

/**
 * A list, a single text, a list written as JSON text, or one with commas. Semantic Kernel has a name of its own,
 * and in .NET a word for what it does not know.
 */
export function readFinishReasons(attributes: OtlpAttributes): readonly string[] | undefined {
  const reasons =
    texts(attributes, 'gen_ai.response.finish_reasons') ?? texts(attributes, 'gen_ai.response.finish_reason');
  const only = reasons?.length === 1 ? reasons[0] : undefined;
  if (only === undefined) return reasons;
  if (!only.startsWith('[')) return only.split(',');
  const parsed = parseJson(only);
  return isArray(parsed) ? parsed.filter((reason) => reason !== 'N/A').map(String) : reasons;
}

function readLog(input: LogInput): Reading | null {
  const { attributes } = input.log;
  if (isMessageEvent(input.eventName)) return readMessageEvent(input);
  if (input.eventName === EVALUATION_EVENT) return readEvaluation(attributes);
  if (input.eventName === EXCEPTION_EVENT) {
    const type = firstText(attributes, ['error.type', 'exception.type']) ?? 'error';
    return { role: 'detail', error: { type, message: text(attributes, 'exception.message') ?? '' } };
  }
  if (input.eventName !== DETAILS_EVENT) return null;
  const reading: Reading = { role: 'detail' };
  const operation = operationOf(text(attributes, 'gen_ai.operation.name'));
  if (operation !== undefined) reading.operation = operation;
  readContext(reading, attributes);
  readModel(reading, attributes);
  readUsage(reading, attributes, input.scope);
  readContent(reading, attributes, {});
  const reasons = finishReasons(readFinishReasons(attributes));
  if (reasons !== undefined) reading.finishReasons = reasons;
  return reading;
}

/** Some add what the conventions send as a record to the span that it judges. What names another response judged another call. */
function readJudgements(reading: Reading, events: SpanInput['span']['events']): void {
  const evaluations = events.flatMap(({ name, attributes }) => {
    const judged = name === EVALUATION_EVENT ? readEvaluation(attributes) : null;
    const isOfAnother = judged?.responseId !== undefined && judged.responseId !== reading.responseId;
    return isOfAnother ? [] : (judged?.evaluations ?? []);
  });
  if (evaluations.length > 0) reading.evaluations = evaluations;
}

/** An evaluator that failed judged nothing. */
function readEvaluation(attributes: OtlpAttributes): Reading | null {
  const name = text(attributes, 'gen_ai.evaluation.name');
  const score = number(attributes, 'gen_ai.evaluation.score.value') ?? null;
  const label = text(attributes, 'gen_ai.evaluation.score.label') ?? null;
  const withdrawn = attributes.get(JUDGEMENT_WITHDRAWN) === true;
  if (name === undefined || (score === null && label === null && !withdrawn)) return null;
  const explanation = text(attributes, 'gen_ai.evaluation.explanation') ?? null;
  const [by, id] = [text(attributes, JUDGED_BY), text(attributes, JUDGEMENT_ID)];
  const judge = { ...(by !== undefined && { by }), ...(id !== undefined && { id }), ...(withdrawn && { withdrawn }) };
  const reading: Reading = { role: 'evaluation', evaluations: [{ name, score, label, explanation, ...judge }] };
  const responseId = text(attributes, 'gen_ai.response.id');
  if (responseId !== undefined) reading.responseId = responseId;
  return reading;
}

export const semconv: Dialect = { name: 'semconv', keys: ['gen_ai.'], span: readSpan, log: readLog };
