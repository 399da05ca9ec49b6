/**
 * LangWatch's SDKs: what a span is, what went in and came out as typed values in JSON, and the prompt that was
 * taken from its registry. Model and tokens have the names of the conventions as well, tokens in newer versions.
 * https://docs.langwatch.ai/integration/opentelemetry/guide
 */

import type { Json } from '../contract/prompt.ts';
import { firstText, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { millisOf } from './durations.ts';
import { type JsonRecord, isArray, isRecord, jsonOf, numberAt, recordAt, recordOf, textsOf } from './json-text.ts';
import { addMessages, messagesOf } from './messages.ts';
import { dollars } from './names.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { tokenUsage } from './usage.ts';

function readSpan({ span: { attributes } }: SpanInput): Reading {
  const reading = readContext(attributes);
  const type = text(attributes, 'langwatch.span.type')?.toLowerCase();
  if (type === undefined) return reading;
  if (type !== 'llm') {
    reading.role = 'wrapper';
    if (type === 'tool' || type === 'agent') reading.boundary = type;
    return reading;
  }
  reading.role = 'call';
  reading.operation = 'chat';
  readMetrics(reading, attributes);
  const parameters = valueAt(attributes, 'langwatch.params');
  const settings = settingsOf(undefined, readParameters(parameters), readTools(parameters?.['tools']));
  if (settings !== undefined) reading.settings = settings;
  addValue(reading, 'input', attributes.get('langwatch.input'));
  addValue(reading, 'output', attributes.get('langwatch.output'));
  return reading;
}

function readContext(attributes: OtlpAttributes): Reading {
  const reading: Reading = {};
  const conversation = firstText(attributes, ['langwatch.thread.id', 'langwatch.session.id']);
  if (conversation !== undefined) reading.conversationId = conversation;
  const user = firstText(attributes, ['langwatch.user.id', 'langwatch.customer.id']);
  if (user !== undefined) reading.userId = user;
  const named = firstText(attributes, ['langwatch.prompt.handle', 'langwatch.prompt.id']);
  if (named === undefined) return reading;
  // In Go the version is part of the id.
  const [name = named, version] = named.split(/:(?=\d+$)/);
  reading.declared = {
    name,
    version: text(attributes, 'langwatch.prompt.version.number') ?? version ?? null,
    label: null,
  };
  const variables = valueAt(attributes, 'langwatch.prompt.variables');
  if (variables !== undefined) reading.variables = textsOf(variables);
  return reading;
}

/** As JSON, or in it as a typed value. */
function valueAt(attributes: OtlpAttributes, key: string): JsonRecord | undefined {
  const record = recordAt(attributes, key);
  return record?.['type'] === 'json' ? recordOf(record, 'value') : record;
}

/** In Python's words or JavaScript's. */
function readMetrics(reading: Reading, attributes: OtlpAttributes): void {
  const metrics = valueAt(attributes, 'langwatch.metrics');
  const tokens = tokenUsage({
    input: numberAt(metrics, 'prompt_tokens', 'promptTokens'),
    output: numberAt(metrics, 'completion_tokens', 'completionTokens'),
    reasoning: numberAt(metrics, 'reasoning_tokens'),
  });
  if (tokens !== undefined) reading.tokens = tokens;
  const cost = dollars(numberAt(metrics, 'cost'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  const times = valueAt(attributes, 'langwatch.timestamps');
  const [started, first] = [numberAt(times, 'started_at'), numberAt(times, 'first_token_at')];
  const firstTokenMs = started === undefined || first === undefined ? undefined : millisOf(first - started);
  if (firstTokenMs !== undefined) reading.firstTokenMs = firstTokenMs;
}

function addValue(reading: Reading, side: 'input' | 'output', value: Parameters<typeof jsonOf>[0]): void {
  const json = jsonOf(value);
  const said = json === undefined ? undefined : valueOf(json);
  addMessages(reading, side, messagesOf(value, side === 'input' ? 'user' : 'assistant', said));
}

/** `{ type: 'chat_messages', value: […] }`, `text`, `json`, `raw`, and lists of such. */
function valueOf(json: Json): Json {
  if (!isRecord(json) || typeof json['type'] !== 'string' || !('value' in json)) return json;
  const value = json['value'] ?? null;
  return json['type'] === 'list' && isArray(value) ? value.flatMap((item): Json => valueOf(item)) : value;
}

export const langwatch: Dialect = { name: 'langwatch', keys: ['langwatch.'], span: readSpan };
