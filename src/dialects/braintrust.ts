/**
 * Braintrust's SDKs for Ruby, Go, Java and .NET, which are made of OpenTelemetry's: what was asked and answered, what
 * it was asked with and what it took stand as JSON in `braintrust.*`; in .NET each count is an attribute.
 * https://www.braintrust.dev/docs/integrations/sdk-integrations/opentelemetry
 */

import type { Json } from '../contract/prompt.ts';
import { number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { markIncomplete } from './incomplete.ts';
import {
  type JsonRecord,
  isArray,
  isRecord,
  jsonOf,
  numberAt,
  recordAt,
  recordOf,
  recordOfEntries,
  stringAt,
} from './json-text.ts';
import { addMessages, messagesOf } from './messages.ts';
import { finishReasons, providerName } from './names.ts';
import { readParts } from './parts.ts';
import { tokenParts } from './token-parts.ts';
import { readTools, settingsOf } from './tools.ts';
import { anthropicUsage, geminiUsage, tokenUsage } from './usage.ts';

/** In Ruby and Go the name alone tells of most calls that they are. */
const CALL_NAMES = new Set([
  'Chat Completion',
  'openai.responses.create',
  'anthropic.messages.create',
  'genai.models.generateContent',
  'ruby_llm.chat',
]);

function readSpan({ span }: SpanInput): Reading | null {
  const { attributes } = span;
  const type = stringAt(recordAt(attributes, 'braintrust.span_attributes'), 'type');
  if (type === undefined && !CALL_NAMES.has(span.name)) return null;
  if (type !== undefined && type !== 'llm') {
    return { role: 'wrapper', ...(type === 'tool' ? { boundary: 'tool' as const } : {}) };
  }
  const reading: Reading = { role: 'call', operation: 'chat' };
  const metadata = recordAt(attributes, 'braintrust.metadata');
  const answered = jsonOf(attributes.get('braintrust.output_json'));
  const response = isRecord(answered) ? answered : undefined;
  readModel(reading, metadata, response);
  readUsage(reading, attributes, response);
  readContent(reading, attributes, metadata, answered);
  const reasons = finishReasons(reasonsIn(answered) ?? stringAt(metadata, 'stop_reason'));
  if (reasons !== undefined) reading.finishReasons = reasons;
  const firstTokenS = countOf(attributes, 'time_to_first_token');
  const isStream = metadata?.['stream'] === true || text(attributes, 'stream') === 'true';
  // Of an answer that came whole it is how long that took.
  if (isStream && firstTokenS !== undefined && firstTokenS > 0) reading.firstTokenMs = firstTokenS * 1_000;
  return reading;
}

const PARAMETERS = [
  'temperature',
  'top_p',
  'top_k',
  'max_tokens',
  'max_output_tokens',
  'max_completion_tokens',
  'frequency_penalty',
  'presence_penalty',
  'stop',
  'stop_sequences',
  'seed',
  'response_format',
  'tool_choice',
];

/** Of a response that is there as a whole, what it says itself. */
function readModel(reading: Reading, metadata: JsonRecord | undefined, response: JsonRecord | undefined): void {
  const provider = providerName(stringAt(metadata, 'provider'));
  if (provider !== undefined) reading.provider = provider;
  const model = stringAt(metadata, 'model');
  if (model !== undefined) reading.requestModel = model;
  const answered = stringAt(response, 'model', 'modelVersion');
  if (answered !== undefined) reading.responseModel = answered;
  const id = stringAt(metadata, 'id') ?? stringAt(response, 'id', 'responseId');
  if (id !== undefined) reading.responseId = id;
  const parameters = PARAMETERS.flatMap((name): [string, Json][] => {
    const value = metadata?.[name];
    return value === undefined || value === null ? [] : [[name, value]];
  });
  const settings = settingsOf(model, recordOfEntries(parameters), readTools(metadata?.['tools']));
  if (settings !== undefined) reading.settings = settings;
}

/** One of its metrics, in JSON or, in .NET, by itself. */
function countOf(attributes: OtlpAttributes, name: string): number | undefined {
  return numberAt(recordAt(attributes, 'braintrust.metrics'), name) ?? number(attributes, `braintrust.metrics.${name}`);
}

/**
 * An answer that is the API's own tells all. Else Claude's input is whole in Ruby and Go, and in .NET leaves out
 * what came from a cache, of which it says nothing. What Bedrock's total has besides is cached input.
 */
function readUsage(reading: Reading, attributes: OtlpAttributes, response: JsonRecord | undefined): void {
  const exact = anthropicUsage(recordOf(response, 'usage')) ?? geminiUsage(recordOf(response, 'usageMetadata'));
  const count = (name: string): number | undefined => countOf(attributes, name);
  const [input, output, total] = [count('prompt_tokens'), count('completion_tokens'), count('tokens')];
  const isRest = reading.provider === 'aws.bedrock' && total !== undefined && output !== undefined;
  const tokens =
    exact ??
    tokenUsage({
      input: isRest && input !== undefined ? Math.max(input, total - output) : input,
      output,
      cacheRead: count('prompt_cached_tokens'),
      cacheWrite: count('prompt_cache_creation_tokens'),
      reasoning: count('completion_reasoning_tokens'),
      total,
      parts: tokenParts({
        input_audio: count('prompt_audio_tokens'),
        output_audio: count('completion_audio_tokens'),
      }),
    });
  if (tokens === undefined) return;
  reading.tokens = tokens;
  const isSilent = tokens.cacheRead === undefined && tokens.cacheWrite === undefined;
  if (reading.provider === 'anthropic' && isSilent) markIncomplete(reading, 'usage_without_cache');
}

/** Of answers there are choices, items, messages, their parts, or a whole response. */
function readContent(
  reading: Reading,
  attributes: OtlpAttributes,
  metadata: JsonRecord | undefined,
  answered: Json | undefined,
): void {
  const input = jsonOf(attributes.get('braintrust.input_json'));
  // A text is JSON here, in quotes.
  const asked = messagesOf(attributes.get('braintrust.input_json'), 'user', input);
  const last = asked?.messages.at(-1);
  // In Java the instructions of Claude come last.
  const isInstructed = asked !== undefined && last?.role === 'system';
  addMessages(reading, 'input', isInstructed ? { ...asked, messages: asked.messages.slice(0, -1) } : asked);
  const parts = readParts(metadata?.['systemInstruction']);
  if (isInstructed) reading.system = [last];
  else if (parts.length > 0) reading.system = [{ role: 'system', parts }];
  const choices = choicesOf(answered);
  const said = choices.length === 0 ? answered : { choices };
  addMessages(reading, 'output', messagesOf(attributes.get('braintrust.output_json'), 'assistant', said));
}

function choicesOf(answered: Json | undefined): readonly JsonRecord[] {
  return isArray(answered) ? answered.filter(isRecord).filter((choice) => isRecord(choice['message'])) : [];
}

function reasonsIn(answered: Json | undefined): string | readonly string[] | undefined {
  const whole = isRecord(answered) ? answered : undefined;
  const candidates = whole?.['candidates'];
  const choices = isArray(candidates) ? candidates.filter(isRecord) : choicesOf(answered);
  const reasons = choices.flatMap((choice) => stringAt(choice, 'finish_reason', 'finishReason') ?? []);
  return reasons.length > 0 ? reasons : stringAt(whole, 'stop_reason');
}

export const braintrust: Dialect = { name: 'braintrust', keys: ['braintrust.'], span: readSpan };
