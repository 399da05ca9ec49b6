/**
 * LangSmith's SDK in OpenTelemetry mode: `gen_ai.*` names with its own contents (the raw request in
 * `gen_ai.prompt`, the raw response in `gen_ai.completion`), and `langsmith.*`.
 */

import type { Json } from '../contract/prompt.ts';
import { firstText, number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { errorOf } from './error.ts';
import {
  type JsonRecord,
  isArray,
  isRecord,
  jsonOf,
  numberAt,
  printedRecordAt,
  recordAt,
  recordOf,
  stringAt,
} from './json-text.ts';
import { addMessages, messagesOf } from './messages.ts';
import { metadataReading } from './metadata.ts';
import { finishReasons, providerName } from './names.ts';
import { responseIdIn } from './response-id.ts';
import { readFinishReasons } from './semconv.ts';
import { tokenParts } from './token-parts.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { cacheWriteOf, ofAnyTier, tokenUsage } from './usage.ts';
import { webSearchesOf } from './web-searches.ts';

function readSpan({ span }: SpanInput): Reading | null {
  const { attributes } = span;
  const kind = text(attributes, 'langsmith.span.kind')?.toLowerCase();
  if (kind === undefined) return null;
  const reading = readContext(attributes);
  if (kind !== 'llm' && kind !== 'embedding') {
    reading.role = 'wrapper';
    if (kind === 'tool') reading.boundary = 'tool';
    return reading;
  }
  reading.role = 'call';
  reading.operation = kind === 'llm' ? 'chat' : 'embeddings';
  const provider = providerName(firstText(attributes, ['langsmith.metadata.ls_provider', 'gen_ai.system']));
  if (provider !== undefined) reading.provider = provider;
  const completion = jsonOf(attributes.get('gen_ai.completion'));
  const message = langchainMessage(completion);
  readUsage(reading, attributes, message);
  readContent(reading, attributes, completion);
  const responseId = text(attributes, 'gen_ai.response.id') ?? responseIdIn(text(attributes, 'gen_ai.completion'));
  if (responseId !== undefined) reading.responseId = responseId;
  const answer = recordOf(message, 'response_metadata');
  const answered = stringAt(answer, 'model_name', 'model');
  if (answered !== undefined) reading.responseModel = answered;
  const reason =
    stringAt(answer, 'finish_reason', 'stop_reason', 'finishReason', 'stopReason', 'done_reason') ??
    (isRecord(completion) ? stringAt(completion, 'stop_reason') : undefined);
  const reasons = finishReasons(readFinishReasons(attributes) ?? reason);
  if (reasons !== undefined) reading.finishReasons = reasons;
  // The status is OK even then; what was thrown stands in an event, with its class in the text too.
  const error = errorOf(span, reading);
  if (error !== undefined) reading.error = { ...error, message: error.message.replace(/^Error: /, '') };
  return reading;
}

function readContext(attributes: OtlpAttributes): Reading {
  const reading = metadataReading((key) => text(attributes, `langsmith.metadata.${key}`));
  const repository = text(attributes, 'langsmith.metadata.lc_hub_repo');
  if (repository !== undefined) {
    reading.declared ??= {
      name: repository,
      version: text(attributes, 'langsmith.metadata.lc_hub_commit_hash') ?? null,
      label: null,
    };
  }
  const project = text(attributes, 'langsmith.trace.session_name');
  if (project !== undefined) reading.environment = project;
  return reading;
}

/** Their models' thoughts are in JavaScript only in the total. */
const GOOGLE = new Set(['google_genai', 'google_vertexai']);

/** What a model of LangChain answered: `generations[prompt][candidate] = { text, message: { lc, kwargs } }`. */
function langchainMessage(completion: Json | undefined): JsonRecord | undefined {
  const generations = isRecord(completion) ? completion['generations'] : undefined;
  const first = isArray(generations) ? generations.flat(1)[0] : undefined;
  return isRecord(first) ? recordOf(recordOf(first, 'message'), 'kwargs') : undefined;
}

/** The parts of tokens are attributes only where a client was wrapped; of LangChain they stand in the answer. */
function readUsage(reading: Reading, attributes: OtlpAttributes, message: JsonRecord | undefined): void {
  const answer = recordOf(message, 'response_metadata');
  const usage = recordAt(attributes, 'langsmith.usage_metadata') ?? recordOf(message, 'usage_metadata');
  const input =
    recordOf(usage, 'input_token_details') ?? printedRecordAt(attributes, 'gen_ai.usage.input_token_details');
  const output =
    recordOf(usage, 'output_token_details') ?? printedRecordAt(attributes, 'gen_ai.usage.output_token_details');
  const tokens = tokenUsage({
    input: number(attributes, 'gen_ai.usage.input_tokens') ?? numberAt(usage, 'input_tokens'),
    output: number(attributes, 'gen_ai.usage.output_tokens') ?? numberAt(usage, 'output_tokens'),
    cacheRead: numberAt(input, ...ofAnyTier('cache_read')),
    cacheWrite: cacheWriteOf(input, ['cache_creation']),
    reasoning: numberAt(output, ...ofAnyTier('reasoning')),
    // The attribute is but the sum of the other two.
    total: numberAt(usage, 'total_tokens') ?? number(attributes, 'gen_ai.usage.total_tokens'),
    excludesReasoning: GOOGLE.has(text(attributes, 'langsmith.metadata.ls_provider') ?? ''),
    webSearches: webSearchesOf(recordOf(answer, 'usage')) ?? webSearchesOf(answer),
    parts: tokenParts({
      cache_write_1h: numberAt(input, 'ephemeral_1h_input_tokens', 'ephemeral_1hr_input_tokens'),
      input_audio: numberAt(input, 'audio'),
      output_audio: numberAt(output, 'audio'),
    }),
  });
  if (tokens !== undefined) reading.tokens = tokens;
}

/** `gen_ai.prompt` is the body of the request, or the arguments of the traced function around it. */
function readContent(reading: Reading, attributes: OtlpAttributes, completion: Json | undefined): void {
  const prompt = jsonOf(attributes.get('gen_ai.prompt'));
  const body = isRecord(prompt) && isArray(prompt['args']) ? (prompt['args'][0] ?? null) : prompt;
  addMessages(reading, 'input', messagesOf(attributes.get('gen_ai.prompt'), 'user', body));
  if (isRecord(body)) {
    const settings = settingsOf(undefined, readParameters(body), readTools(body['tools']));
    if (settings !== undefined) reading.settings = settings;
  }
  if (reading.operation === 'embeddings') return;
  const outputs = isRecord(completion) ? completion['outputs'] : undefined;
  addMessages(reading, 'output', messagesOf(attributes.get('gen_ai.completion'), 'assistant', outputs ?? completion));
}

export const langsmith: Dialect = { name: 'langsmith', keys: ['langsmith.'], span: readSpan };
