/**
 * Logfire's instrumentations of OpenAI's and Anthropic's clients: the semantic conventions, and content as the
 * bodies of request and response. A stream has two spans, perhaps in two traces: one until it begins,
 * and one when it is over, which says how long it took and knows all about the call. And that of Claude's Agent SDK,
 * of which a query is one call.
 */

import { number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes, OtlpSpan } from '../otlp/model.ts';
import { claudeRun } from './coding-agent.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { millisOf } from './durations.ts';
import { errorOf } from './error.ts';
import { type JsonRecord, isRecord, jsonOf, recordOf } from './json-text.ts';
import { addMessages, messagesOf } from './messages.ts';
import { dollars } from './names.ts';
import { partsOfAnthropic, partsOfOpenAi } from './token-parts.ts';
import { readParameters, readTools, settingsOf } from './tools.ts';
import { webSearchesOf } from './web-searches.ts';

function readSpan({ span, scope }: SpanInput, known: Readonly<Reading>): Reading | null {
  const { attributes } = span;
  if (scope.name === CLAUDE_AGENT) return readClaude(attributes);
  if (!attributes.has('request_data')) return null;
  const asked = jsonOf(attributes.get('request_data'));
  const body = isRecord(asked) ? asked : undefined;
  const isOver = text(attributes, 'logfire.span_type') === 'log';
  if (!isOver && body?.['stream'] === true && !hasFailed(span)) return { role: 'wrapper' };
  const reading: Reading = isOver ? durationOf(attributes) : {};
  const settings = settingsOf(undefined, readParameters(body), readTools(body?.['tools']));
  if (settings !== undefined) reading.settings = settings;
  if (known.input === undefined && (body === undefined || CONTENTS.some((key) => key in body))) {
    addMessages(reading, 'input', messagesOf(attributes.get('request_data'), 'user', asked));
  }
  const answered = jsonOf(attributes.get('response_data'));
  if (!isRecord(answered)) return reading;
  if (known.output === undefined) readOutput(reading, attributes, answered);
  const billed = recordOf(answered, 'usage');
  const parts = partsOfAnthropic(billed) ?? partsOfOpenAi(billed);
  if (parts !== undefined) reading.tokens = { parts };
  const webSearches = webSearchesOf(billed);
  if (webSearches !== undefined) reading.tokens = { ...reading.tokens, webSearches };
  return reading;
}

const CLAUDE_AGENT = 'logfire.claude_agent_sdk';

/** Claude's Agent SDK counts what a query used, and not what each of its requests did. */
function readClaude(attributes: OtlpAttributes): Reading | null {
  const operation = text(attributes, 'gen_ai.operation.name');
  if (operation === 'chat') return { role: 'wrapper' };
  if (operation !== 'invoke_agent') return null;
  const reading: Reading = { role: 'call', operation: 'chat', isSum: true };
  Object.assign(reading, claudeRun(text(attributes, 'gen_ai.conversation.id')));
  const cost = dollars(number(attributes, 'operation.cost'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  return reading;
}

const CONTENTS = ['messages', 'prompt', 'input', 'system'];

/** Then there is no stream, and no other span. */
function hasFailed(span: OtlpSpan): boolean {
  return errorOf(span, {}) !== undefined;
}

function durationOf(attributes: OtlpAttributes): Reading {
  const durationMs = millisOf((number(attributes, 'duration') ?? Number.NaN) * 1_000);
  return durationMs === undefined ? {} : { durationMs };
}

/** `{ message, usage }`, or of a stream `{ combined_chunk_content }`. */
function readOutput(reading: Reading, attributes: OtlpAttributes, answered: JsonRecord): void {
  const said = answered['message'] ?? answered['combined_chunk_content'] ?? answered['text'];
  addMessages(reading, 'output', messagesOf(attributes.get('response_data'), 'assistant', said));
}

export const logfire: Dialect = { name: 'logfire', keys: [], scopes: ['logfire.'], span: readSpan };
