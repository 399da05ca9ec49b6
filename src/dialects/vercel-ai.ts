/**
 * Vercel's AI SDK, 4 to 7. Up to 6 and in 7's legacy mode: `ai.*` attributes of scope `ai`, where
 * only `*.doGenerate`, `*.doStream` and `*.doEmbed` are calls. 7 speaks the semantic conventions in
 * scope `gen_ai` and adds some `ai.*` attributes of its own.
 */

import type { Message } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { firstNumber, firstText, isList, number, text, textOf } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { isArray, jsonOf, numberAt, recordAt, recordOf, stringAt } from './json-text.ts';
import { addMessages, messagesOf, readMessages } from './messages.ts';
import { metadataReading } from './metadata.ts';
import { finishReasons, providerName } from './names.ts';
import { readParts, textPart } from './parts.ts';
import { readTools, settingsOf } from './tools.ts';
import { anthropicUsage, tokenUsage } from './usage.ts';

function readSpan({ span }: SpanInput, known: Readonly<Reading>): Reading | null {
  const { attributes } = span;
  const operation = text(attributes, 'ai.operationId');
  const reading = readContext(attributes);
  // Version 7: the conventions say what the span is, and these only add to it.
  if (operation === undefined) return Object.assign(reading, readUsage(attributes), readEmbeddedValues(attributes));
  const isEmbedding = operation.endsWith('.doEmbed');
  if (!isEmbedding && !/\.do(?:Generate|Stream)$/.test(operation)) {
    reading.role = 'wrapper';
    if (operation === 'ai.toolCall') reading.boundary = 'tool';
    return reading;
  }
  reading.role = 'call';
  reading.operation = isEmbedding ? 'embeddings' : 'chat';
  const usage = readAnthropicUsage(attributes) ?? readUsage(attributes);
  Object.assign(reading, readModel(attributes), usage, readEmbeddedValues(attributes));
  if (!isEmbedding) readContent(reading, attributes, known);
  return reading;
}

function readContext(attributes: OtlpAttributes): Reading {
  const reading = metadataReading((key) =>
    firstText(attributes, [`ai.telemetry.metadata.${key}`, `ai.settings.context.${key}`]),
  );
  const langfuse = recordAt(attributes, 'ai.telemetry.metadata.langfusePrompt');
  const name = stringAt(langfuse, 'name');
  if (name !== undefined) reading.declared ??= { name, version: stringAt(langfuse, 'version') ?? null, label: null };
  return reading;
}

/** Settings by the name that the conventions give them. */
const PARAMETERS: readonly (readonly [string, readonly string[]])[] = [
  ['temperature', ['ai.settings.temperature']],
  ['top_p', ['ai.settings.topP']],
  ['top_k', ['ai.settings.topK']],
  ['max_tokens', ['ai.settings.maxOutputTokens', 'ai.settings.maxTokens']],
  ['frequency_penalty', ['ai.settings.frequencyPenalty']],
  ['presence_penalty', ['ai.settings.presencePenalty']],
  ['seed', ['ai.settings.seed']],
];

function readModel(attributes: OtlpAttributes): Reading {
  const reading: Reading = {};
  const provider = providerName(text(attributes, 'ai.model.provider'));
  if (provider !== undefined) reading.provider = provider;
  const requestModel = text(attributes, 'ai.model.id');
  if (requestModel !== undefined) reading.requestModel = requestModel;
  const responseModel = text(attributes, 'ai.response.model');
  if (responseModel !== undefined) reading.responseModel = responseModel;
  const responseId = text(attributes, 'ai.response.id');
  if (responseId !== undefined) reading.responseId = responseId;
  const firstTokenMs = number(attributes, 'ai.response.msToFirstChunk');
  if (firstTokenMs !== undefined) reading.firstTokenMs = firstTokenMs;
  const reason = text(attributes, 'ai.response.finishReason');
  const reasons = finishReasons(reason === undefined ? undefined : [reason]);
  if (reasons !== undefined) reading.finishReasons = reasons;
  const parameters = PARAMETERS.flatMap(([name, keys]): [string, Json][] => {
    const value = firstNumber(attributes, keys);
    return value === undefined ? [] : [[name, value]];
  });
  const tools = attributes.get('ai.prompt.tools');
  const definitions = isList(tools) ? tools.flatMap((tool) => jsonOf(tool) ?? []) : jsonOf(tools);
  const settings = settingsOf(
    requestModel,
    parameters.length === 0 ? undefined : Object.fromEntries(parameters),
    readTools(definitions),
  );
  if (settings !== undefined) reading.settings = settings;
  return reading;
}

/**
 * Anthropic leaves cached input out, and so did version 5, which knows nothing of written cache;
 * the later ones include it and say so by its details. What its API said is exact in any version.
 */
function readAnthropicUsage(attributes: OtlpAttributes): Reading | null {
  if (text(attributes, 'ai.model.provider')?.includes('anthropic') !== true) return null;
  if (attributes.has('ai.usage.inputTokenDetails.noCacheTokens')) return null;
  const metadata = recordOf(recordAt(attributes, 'ai.response.providerMetadata'), 'anthropic');
  const exact = anthropicUsage(recordOf(metadata, 'usage'));
  if (exact !== undefined) return { tokens: { ...readUsage(attributes).tokens, ...exact } };
  const cacheRead = number(attributes, 'ai.usage.cachedInputTokens') ?? numberAt(metadata, 'cacheReadInputTokens');
  const tokens = tokenUsage({
    input: firstNumber(attributes, INPUT),
    output: firstNumber(attributes, OUTPUT),
    cacheRead,
    cacheWrite: numberAt(metadata, 'cacheCreationInputTokens'),
    excludesCache: true,
  });
  if (tokens === undefined) return {};
  const isWhole = cacheRead !== undefined && metadata !== undefined && 'cacheCreationInputTokens' in metadata;
  return { tokens, ...(isWhole || tokens.input === undefined ? {} : { incomplete: ['usage_without_cache'] }) };
}

const INPUT = ['ai.usage.inputTokens', 'ai.usage.promptTokens', 'ai.usage.tokens'];
const OUTPUT = ['ai.usage.outputTokens', 'ai.usage.completionTokens'];

function readUsage(attributes: OtlpAttributes): Reading {
  const tokens = tokenUsage({
    input: firstNumber(attributes, INPUT),
    output: firstNumber(attributes, OUTPUT),
    cacheRead: firstNumber(attributes, ['ai.usage.inputTokenDetails.cacheReadTokens', 'ai.usage.cachedInputTokens']),
    cacheWrite: number(attributes, 'ai.usage.inputTokenDetails.cacheWriteTokens'),
    reasoning: firstNumber(attributes, ['ai.usage.outputTokenDetails.reasoningTokens', 'ai.usage.reasoningTokens']),
    total: number(attributes, 'ai.usage.totalTokens'),
  });
  return tokens === undefined ? {} : { tokens };
}

/** What is embedded: texts that are JSON strings themselves. */
function readEmbeddedValues(attributes: OtlpAttributes): Reading {
  const value = attributes.get('ai.values') ?? attributes.get('ai.value');
  if (value === undefined) return {};
  const parts = (isList(value) ? value : [value]).flatMap((item) => readParts(jsonOf(item) ?? textOf(item)));
  return parts.length === 0 ? {} : { input: [{ role: 'user', parts }] };
}

function readContent(reading: Reading, attributes: OtlpAttributes, known: Readonly<Reading>): void {
  if (known.input === undefined) {
    addMessages(reading, 'input', messagesOf(attributes.get('ai.prompt.messages'), 'user'));
  }
  const output = readOutput(attributes);
  if (output !== undefined) reading.output = output;
}

function readOutput(attributes: OtlpAttributes): readonly Message[] | undefined {
  const reasoning = text(attributes, 'ai.response.reasoning');
  const said = firstText(attributes, ['ai.response.text', 'ai.response.object']);
  const calls = jsonOf(attributes.get('ai.response.toolCalls'));
  const [called] = isArray(calls)
    ? readMessages({ role: 'assistant', content: null, tool_calls: calls }, 'assistant')
    : [];
  const parts = [
    ...(reasoning === undefined ? [] : [{ type: 'reasoning' as const, text: reasoning }]),
    ...(said === undefined ? [] : [textPart(said)]),
    ...(called?.parts ?? []),
  ];
  return parts.length === 0 ? undefined : [{ role: 'assistant', parts }];
}

export const vercelAi: Dialect = { name: 'vercel-ai', keys: ['ai.'], span: readSpan };
