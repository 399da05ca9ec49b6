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
import {
  type JsonRecord,
  isArray,
  jsonOf,
  numberAt,
  recordAt,
  recordOf,
  recordOfEntries,
  stringAt,
} from './json-text.ts';
import { addMessages, messagesOf, readMessages } from './messages.ts';
import { metadataReading } from './metadata.ts';
import { finishReasons, providerName } from './names.ts';
import { readParts, textPart } from './parts.ts';
import { partsOfAnthropic, partsOfGemini } from './token-parts.ts';
import { readTools, settingsOf } from './tools.ts';
import { anthropicUsage, geminiUsage, tokenUsage } from './usage.ts';
import { webSearchesOf } from './web-searches.ts';

function readSpan({ span }: SpanInput, known: Readonly<Reading>): Reading | null {
  const { attributes } = span;
  const operation = text(attributes, 'ai.operationId');
  const reading = readContext(attributes);
  // Version 7: the conventions say what the span is, and these only add to it.
  if (operation === undefined) {
    Object.assign(reading, readUsage(attributes), readEmbeddedValues(attributes));
    addProviderParts(reading, attributes);
    return reading;
  }
  const isEmbedding = operation.endsWith('.doEmbed');
  if (!isEmbedding && !/\.do(?:Generate|Stream)$/.test(operation)) {
    reading.role = 'wrapper';
    if (operation === 'ai.toolCall') reading.boundary = 'tool';
    return reading;
  }
  reading.role = 'call';
  reading.operation = isEmbedding ? 'embeddings' : 'chat';
  const usage = readProviderUsage(attributes, operation) ?? readUsage(attributes);
  Object.assign(reading, readModel(attributes), usage, readEmbeddedValues(attributes));
  addProviderParts(reading, attributes);
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
  const firstTokenMs = firstNumber(attributes, ['ai.response.msToFirstChunk', 'ai.stream.msToFirstChunk']);
  if (firstTokenMs !== undefined) reading.firstTokenMs = firstTokenMs;
  const reasons = finishReasons(text(attributes, 'ai.response.finishReason'));
  if (reasons !== undefined) reading.finishReasons = reasons;
  const parameters = PARAMETERS.flatMap(([name, keys]): [string, Json][] => {
    const value = firstNumber(attributes, keys);
    return value === undefined ? [] : [[name, value]];
  });
  const tools = attributes.get('ai.prompt.tools');
  const definitions = isList(tools) ? tools.flatMap((tool) => jsonOf(tool) ?? []) : jsonOf(tools);
  const settings = settingsOf(requestModel, recordOfEntries(parameters), readTools(definitions));
  if (settings !== undefined) reading.settings = settings;
  return reading;
}

/**
 * Up to version 5 tokens were as the provider counts them: Anthropic and Bedrock leave cached input out, Gemini
 * leaves out thoughts. The later ones include all and say so by their details. What an API said is exact in any.
 */
function readProviderUsage(attributes: OtlpAttributes, operation: string): Reading | null {
  if (attributes.has('ai.usage.inputTokenDetails.noCacheTokens')) return null;
  const provider = text(attributes, 'ai.model.provider') ?? '';
  const metadata = recordAt(attributes, 'ai.response.providerMetadata');
  const gemini = geminiUsage(recordOf(recordOf(metadata, 'google') ?? recordOf(metadata, 'vertex'), 'usageMetadata'));
  if (gemini !== undefined) return { tokens: gemini };
  if (provider.includes('anthropic')) return readAnthropicUsage(attributes, recordOf(metadata, 'anthropic'));
  if (provider.includes('bedrock')) return readBedrockUsage(attributes, recordOf(metadata, 'bedrock'), operation);
  return null;
}

const HAS_PARTS = /"(?:ephemeral_1h_input_tokens|web_search_requests)":\s*[1-9]|"modality":\s*"(?!TEXT)/;

/** What its own counts, of any version, leave out of an API's usage. */
function addProviderParts(reading: Reading, attributes: OtlpAttributes): void {
  const key = 'ai.response.providerMetadata';
  if (!attributes.has(key) || !HAS_PARTS.test(text(attributes, key) ?? '')) return;
  const metadata = recordAt(attributes, key);
  const google = recordOf(metadata, 'google') ?? recordOf(metadata, 'vertex');
  const claude = recordOf(recordOf(metadata, 'anthropic'), 'usage');
  const webSearches = webSearchesOf(claude);
  if (webSearches !== undefined) reading.tokens = { ...reading.tokens, webSearches };
  const parts = partsOfAnthropic(claude) ?? partsOfGemini(recordOf(google, 'usageMetadata'));
  if (parts !== undefined) reading.tokens = { ...reading.tokens, parts };
}

function readAnthropicUsage(attributes: OtlpAttributes, metadata: JsonRecord | undefined): Reading {
  const exact = anthropicUsage(recordOf(metadata, 'usage'));
  if (exact !== undefined) return { tokens: { ...readUsage(attributes).tokens, ...exact } };
  const cacheRead = number(attributes, 'ai.usage.cachedInputTokens') ?? numberAt(metadata, 'cacheReadInputTokens');
  const cacheWrite = numberAt(metadata, 'cacheCreationInputTokens');
  const isWhole = cacheRead !== undefined && metadata !== undefined && 'cacheCreationInputTokens' in metadata;
  return exclusiveUsage(attributes, cacheRead, cacheWrite, isWhole);
}

/** Of objects nothing tells the versions apart. */
function readBedrockUsage(attributes: OtlpAttributes, metadata: JsonRecord | undefined, operation: string): Reading {
  const usage = recordOf(metadata, 'usage');
  const cacheRead = number(attributes, 'ai.usage.cachedInputTokens') ?? numberAt(usage, 'cacheReadInputTokens');
  const cacheWrite = numberAt(usage, 'cacheWriteInputTokens');
  const usesCache = CACHING_MODEL.test(text(attributes, 'ai.model.id') ?? '');
  if (!operation.includes('Object')) {
    return exclusiveUsage(attributes, cacheRead, cacheWrite, cacheRead !== undefined || !usesCache);
  }
  return { ...readUsage(attributes), ...(usesCache ? { incomplete: ['usage_without_cache'] } : {}) };
}

/** Of those that Bedrock has. */
const CACHING_MODEL = /anthropic|nova/;

function exclusiveUsage(
  attributes: OtlpAttributes,
  cacheRead: number | undefined,
  cacheWrite: number | undefined,
  isWhole: boolean,
): Reading {
  const tokens = tokenUsage({
    input: firstNumber(attributes, INPUT),
    output: firstNumber(attributes, OUTPUT),
    cacheRead,
    cacheWrite,
    excludesCache: true,
  });
  if (tokens === undefined) return {};
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
