/**
 * Langfuse's SDKs on OpenTelemetry: `langfuse.observation.*`, of which generations and embeddings
 * are calls. https://langfuse.com/integrations/native/opentelemetry#property-mapping
 */

import type { Message, TokenParts } from '../contract/invocation.ts';
import { firstText, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { millisUntil } from './durations.ts';
import { markIncomplete } from './incomplete.ts';
import { type JsonRecord, isRecord, jsonOf, numberAt, recordAt, recordOf } from './json-text.ts';
import { addMessages, messagesOf } from './messages.ts';
import { costOf, dollars } from './names.ts';
import { textPart } from './parts.ts';
import { tokenParts } from './token-parts.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { cacheWriteOf, ofAnyTier, tokenUsage } from './usage.ts';

const OBSERVATION = 'langfuse.observation';
/** Its wrapper of OpenAI's client calls embeddings a generation, and only in the name says what they are. */
const WRAPPED_EMBEDDINGS = 'OpenAI.embeddings';

function readSpan({ span }: SpanInput, known: Readonly<Reading>): Reading | null {
  const { attributes } = span;
  const reading = readContext(attributes);
  const type = text(attributes, `${OBSERVATION}.type`)?.toLowerCase();
  if (type === undefined) return reading;
  if (type !== 'generation' && type !== 'embedding') {
    reading.role = 'wrapper';
    if (type === 'tool') reading.boundary = 'tool';
    if (type === 'agent') reading.boundary = 'agent';
    return reading;
  }
  reading.role = 'call';
  reading.operation = type === 'embedding' || span.name === WRAPPED_EMBEDDINGS ? 'embeddings' : 'chat';
  readUsage(reading, attributes);
  readContent(reading, attributes, known);
  readModel(reading, attributes);
  readError(reading, attributes);
  const firstTokenMs = millisUntil(text(attributes, `${OBSERVATION}.completion_start_time`), span);
  if (firstTokenMs !== undefined) reading.firstTokenMs = firstTokenMs;
  return reading;
}

function readContext(attributes: OtlpAttributes): Reading {
  const reading: Reading = {};
  const environment = text(attributes, 'langfuse.environment');
  if (environment !== undefined) reading.environment = environment;
  const conversation = firstText(attributes, ['session.id', 'langfuse.session.id']);
  if (conversation !== undefined) reading.conversationId = conversation;
  const user = firstText(attributes, ['user.id', 'langfuse.user.id']);
  if (user !== undefined) reading.userId = user;
  const name = text(attributes, `${OBSERVATION}.prompt.name`);
  if (name !== undefined) {
    reading.declared = { name, version: text(attributes, `${OBSERVATION}.prompt.version`) ?? null, label: null };
  }
  return reading;
}

function readUsage(reading: Reading, attributes: OtlpAttributes): void {
  const usage = recordAt(attributes, `${OBSERVATION}.usage_details`);
  if (usage !== undefined) readTokens(reading, usage);
  const costs = recordAt(attributes, `${OBSERVATION}.cost_details`);
  const parts = Object.values(costs ?? {}).filter((part) => typeof part === 'number');
  const cost = dollars(numberAt(costs, 'total') ?? costOf(parts));
  if (cost !== undefined) reading.reportedCostUsd = cost;
}

/**
 * Its wrapper of OpenAI's client takes every part out of the whole (26 in, 16 cached, 12 out, 5
 * reasoning of 59; audio and predictions as well); a usage given by hand usually does not. Anthropic's
 * words mean what they mean in its API, where input leaves cached input out, unless a total says no.
 */
function readTokens(reading: Reading, usage: JsonRecord): void {
  const input = numberAt(usage, 'input', 'input_tokens', 'prompt_tokens');
  const output = numberAt(usage, 'output', 'output_tokens', 'completion_tokens');
  const total = numberAt(usage, 'total', 'total_tokens');
  // Its wrapper for Python passes on what OpenAI counts, as it is.
  const ofInput = recordOf(usage, 'prompt_tokens_details') ?? recordOf(usage, 'input_tokens_details');
  const ofOutput = recordOf(usage, 'completion_tokens_details') ?? recordOf(usage, 'output_tokens_details');
  const cacheRead =
    numberAt(usage, 'input_cached_tokens', 'cache_read_input_tokens', ...ofAnyTier('cache_read', 'input_')) ??
    numberAt(ofInput, 'cached_tokens');
  const cacheWrite = cacheWriteOf(
    usage,
    ['cache_creation_input_tokens', 'input_cache_creation', 'input_cache_write'],
    'input_',
  );
  const wholeInput = sumOf(usage, 'input', input);
  const wholeOutput = sumOf(usage, 'output', output);
  const isSplit = wholeInput !== undefined && wholeInput + (wholeOutput ?? 0) === total;
  const tokens = tokenUsage({
    input: isSplit ? wholeInput : input,
    output: isSplit ? wholeOutput : output,
    cacheRead,
    cacheWrite,
    reasoning:
      numberAt(usage, 'output_reasoning_tokens', ...ofAnyTier('reasoning', 'output_')) ??
      numberAt(ofOutput, 'reasoning_tokens'),
    total,
    parts: partsOf(usage, ofInput, ofOutput),
    excludesCache: total === undefined && ANTHROPIC_PARTS.some((part) => part in usage),
  });
  if (tokens === undefined) return;
  reading.tokens = tokens;
  const cached = (cacheRead ?? 0) + (cacheWrite ?? 0);
  // By its own rule the parts would be added; by what people write, mostly not.
  const isUnsure = total === undefined && cached > 0 && tokens.input === input && 'input' in usage;
  if (isUnsure) markIncomplete(reading, 'usage_without_cache');
}

/**
 * Its wrappers of OpenAI's client, its handlers for LangChain (of Vertex by modality, without what was cached
 * of it), and what people give by hand of Anthropic's usage.
 */
function partsOf(
  usage: JsonRecord,
  ofInput: JsonRecord | undefined,
  ofOutput: JsonRecord | undefined,
): TokenParts | undefined {
  const cachedAudio = numberAt(usage, 'cached_modality_AUDIO');
  const cachedImage = numberAt(usage, 'cached_modality_IMAGE');
  return tokenParts({
    cache_write_1h:
      numberAt(usage, 'input_ephemeral_1h_input_tokens', 'cache_creation_ephemeral_1h_input_tokens') ??
      numberAt(recordOf(usage, 'cache_creation'), 'ephemeral_1h_input_tokens'),
    input_audio:
      numberAt(usage, 'input_audio_tokens', 'input_audio') ??
      numberAt(ofInput, 'audio_tokens') ??
      (numberAt(usage, 'input_modality_AUDIO') ?? 0) + (cachedAudio ?? 0),
    cache_audio_read: cachedAudio,
    output_audio:
      numberAt(usage, 'output_audio_tokens', 'output_audio', 'output_modality_AUDIO') ??
      numberAt(ofOutput, 'audio_tokens'),
    input_image:
      numberAt(usage, 'input_image_tokens') ??
      numberAt(ofInput, 'image_tokens') ??
      (numberAt(usage, 'input_modality_IMAGE') ?? 0) + (cachedImage ?? 0),
    cache_image_read: cachedImage,
    output_image: numberAt(usage, 'output_image_tokens', 'output_modality_IMAGE') ?? numberAt(ofOutput, 'image_tokens'),
    input_video: numberAt(usage, 'input_modality_VIDEO'),
  });
}

const ANTHROPIC_PARTS = ['cache_read_input_tokens', 'cache_creation_input_tokens'];

/** What is left of a side and all parts that were taken out of it. */
function sumOf(usage: JsonRecord, side: 'input' | 'output', rest: number | undefined): number | undefined {
  if (rest === undefined) return undefined;
  let sum = rest;
  for (const [key, value] of Object.entries(usage)) {
    const isPart = key.startsWith(`${side}_`)
      ? key !== `${side}_tokens`
      : side === 'input' && (ANTHROPIC_PARTS.includes(key) || key.startsWith('cached_modality_'));
    if (isPart && typeof value === 'number') sum += value;
  }
  return sum;
}

function readContent(reading: Reading, attributes: OtlpAttributes, known: Readonly<Reading>): void {
  if (known.input === undefined) {
    addMessages(reading, 'input', messagesOf(attributes.get(`${OBSERVATION}.input`), 'user'));
    // The responses API keeps instructions apart; the wrapper files them under metadata.
    const instructions = text(attributes, `${OBSERVATION}.metadata.instructions`);
    if (instructions !== undefined) reading.system = [{ role: 'system', parts: [textPart(instructions)] }] as Message[];
  }
  if (known.output !== undefined || reading.operation === 'embeddings') return;
  addMessages(reading, 'output', messagesOf(attributes.get(`${OBSERVATION}.output`), 'assistant'));
}

/** The name is what answered, where something did. */
function readModel(reading: Reading, attributes: OtlpAttributes): void {
  const model = text(attributes, `${OBSERVATION}.model.name`);
  const answered = reading.output !== undefined || reading.tokens !== undefined;
  if (model !== undefined && answered) reading.responseModel = model;
  if (model !== undefined && !answered) reading.requestModel = model;
  const body = jsonOf(attributes.get(`${OBSERVATION}.input`));
  const parameters = readParameters(recordAt(attributes, `${OBSERVATION}.model.parameters`));
  const settings = settingsOf(undefined, parameters, readTools(isRecord(body) ? body['tools'] : undefined));
  if (settings !== undefined) reading.settings = settings;
}

/** It never sets the span's status. `Error: 429 Rate limit …` holds type and message. */
function readError(reading: Reading, attributes: OtlpAttributes): void {
  if (text(attributes, `${OBSERVATION}.level`) !== 'ERROR') return;
  const message = text(attributes, `${OBSERVATION}.status_message`) ?? '';
  const [, type = 'error', rest = message] = /^(\w*(?:Error|Exception)): ([\s\S]*)$/.exec(message) ?? [];
  reading.error = { type, message: rest };
}

export const langfuse: Dialect = { name: 'langfuse', keys: ['langfuse.'], span: readSpan };
