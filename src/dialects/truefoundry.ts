/**
 * TrueFoundry's AI gateway, in its own words: a request's span has what was asked, the prompt and who asked, and
 * each attempt at a model in it what that counted and cost. What guards a request and serves tools is no call.
 */

import type { Operation } from '../contract/invocation.ts';
import { firstText, number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { millisOf } from './durations.ts';
import { recordAt, stringAt, textsOf } from './json-text.ts';
import { addMessages, finishReasonsIn, messagesOf } from './messages.ts';
import { metadataReading } from './metadata.ts';
import { dollars } from './names.ts';
import { responseIdIn } from './response-id.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { tokenUsage } from './usage.ts';

const OPERATIONS = new Map<string, Operation>([
  ['ChatCompletion', 'chat'],
  ['Completion', 'text_completion'],
  ['Embedding', 'embeddings'],
]);
const ATTEMPT = 'Model';

/** `chat_prompt:workspace/repository/name:version`. */
const PROMPT_VERSION = /([^/:]+):([^/:]+)$/;

function readSpan({ span: { attributes } }: SpanInput, known: Readonly<Reading>): Reading | null {
  const type = text(attributes, 'tfy.span_type');
  if (type === undefined) return null;
  const reading = readContext(attributes);
  const asked = type === ATTEMPT ? (text(attributes, 'tfy.model.request_type') ?? 'ChatCompletion') : type;
  const operation = OPERATIONS.get(asked);
  if (operation === undefined) {
    reading.role = 'wrapper';
    if (type === 'MCP') reading.boundary = 'tool';
    if (type === 'AgentResponse') reading.boundary = 'agent';
    return reading;
  }
  reading.role = 'call';
  reading.operation = operation;
  readCounts(reading, attributes);
  readContent(reading, attributes, known);
  const message = text(attributes, 'tfy.error_message');
  if (message !== undefined) {
    reading.error = {
      type: firstText(attributes, ['tfy.error_type', 'http.response.status_code']) ?? 'error',
      message,
    };
  }
  return reading;
}

function readContext(attributes: OtlpAttributes): Reading {
  const metadata = recordAt(attributes, 'tfy.request.metadata');
  const reading = metadata === undefined ? {} : metadataReading((key) => stringAt(metadata, key));
  const [, name, version] = PROMPT_VERSION.exec(text(attributes, 'tfy.prompt_version_fqn') ?? '') ?? [];
  if (name !== undefined) reading.declared = { name, version: version ?? null, label: null };
  const variables = recordAt(attributes, 'tfy.prompt_variables');
  if (variables !== undefined) reading.variables = textsOf(variables);
  const conversation = text(attributes, 'tfy.request.conversation_id');
  if (conversation !== undefined) reading.conversationId = conversation;
  return reading;
}

function readCounts(reading: Reading, attributes: OtlpAttributes): void {
  const count = (name: string) => number(attributes, `tfy.model.metric.${name}`);
  const tokens = tokenUsage({
    input: count('input_tokens'),
    output: count('output_tokens'),
    cacheRead: count('cache_read_input_tokens'),
    cacheWrite: count('cache_creation_input_tokens'),
  });
  if (tokens !== undefined) reading.tokens = tokens;
  const cost = dollars(count('cost_in_usd'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  const firstTokenMs = millisOf(count('time_to_first_token_in_ms'));
  if (firstTokenMs !== undefined && firstTokenMs > 0) reading.firstTokenMs = firstTokenMs;
}

/** Bodies of the request and the response. */
function readContent(reading: Reading, attributes: OtlpAttributes, known: Readonly<Reading>): void {
  const [request, response] = [recordAt(attributes, 'tfy.input'), recordAt(attributes, 'tfy.output')];
  const model = firstText(attributes, ['tfy.model.name', 'tfy.request.model_name']) ?? stringAt(request, 'model');
  if (model !== undefined) reading.requestModel = model;
  const answered = stringAt(response, 'model');
  if (answered !== undefined) reading.responseModel = answered;
  const responseId = responseIdIn(text(attributes, 'tfy.output'));
  if (responseId !== undefined) reading.responseId = responseId;
  const settings = settingsOf(model, readParameters(request), readTools(request?.['tools']));
  if (settings !== undefined) reading.settings = settings;
  if (known.input === undefined)
    addMessages(reading, 'input', messagesOf(attributes.get('tfy.input'), 'user', request));
  if (known.output !== undefined || reading.operation === 'embeddings') return;
  const output = messagesOf(attributes.get('tfy.output'), 'assistant', response);
  addMessages(reading, 'output', output);
  const reasons = finishReasonsIn(output);
  if (reasons !== undefined) reading.finishReasons = reasons;
}

export const truefoundry: Dialect = { name: 'truefoundry', keys: ['tfy.'], span: readSpan };
