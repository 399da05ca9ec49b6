/**
 * What OpenRouter broadcasts: the conventions, with an answer in a form of its own, and spans inside for each attempt
 * at a provider and for the stream, which call themselves calls and have neither model nor tokens.
 * https://openrouter.ai/docs/guides/features/broadcast
 */

import { number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { millisOf } from './durations.ts';
import { type JsonRecord, isArray, recordAt, recordOf } from './json-text.ts';
import { readMessages } from './messages.ts';
import { metadataReading } from './metadata.ts';
import { readTools, settingsOf } from './tools.ts';

/** Of the request's body, which has much besides that is for the router alone. */
const PARAMETERS = new Set([
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'max_tokens',
  'max_completion_tokens',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'seed',
  'stop',
  'reasoning',
  'response_format',
  'tool_choice',
]);

function readSpan({ span: { attributes } }: SpanInput): Reading | null {
  const type = text(attributes, 'span.type');
  if (type === 'span') return { role: 'wrapper' };
  if (type !== 'generation') return null;
  const reading = metadataReading((key) => text(attributes, `trace.metadata.${key}`));
  const firstTokenMs = millisOf(number(attributes, 'trace.metadata.openrouter.first_token_ms'));
  if (firstTokenMs !== undefined && firstTokenMs > 0) reading.firstTokenMs = firstTokenMs;
  const answer = recordAt(attributes, 'gen_ai.completion');
  if (answer === undefined || !('completion' in answer)) return reading;
  readSettings(reading, attributes, recordOf(answer, 'rawRequest'));
  const { completion, reasoning, toolCalls } = answer;
  const said = { role: 'assistant', reasoning: reasoning ?? null, content: completion ?? null };
  const output = readMessages({ ...said, ...(isArray(toolCalls) && { tool_calls: toolCalls }) }, 'assistant');
  if (output.length > 0) reading.output = output;
  return reading;
}

function readSettings(reading: Reading, attributes: OtlpAttributes, request: JsonRecord | undefined): void {
  const set = Object.entries(request ?? {}).filter(([key, value]) => PARAMETERS.has(key) && value !== null);
  const settings = settingsOf(
    text(attributes, 'gen_ai.request.model'),
    set.length === 0 ? undefined : Object.fromEntries(set),
    readTools(request?.['tools']),
  );
  if (settings !== undefined) reading.settings = settings;
}

export const openrouter: Dialect = {
  name: 'openrouter',
  keys: ['trace.metadata.openrouter.'],
  scopes: ['openrouter'],
  span: readSpan,
};
