/**
 * OpenAI's Codex: log records, in which the answer to a request has a record with its tokens, and an
 * attempt that failed one with its error. Its spans know tokens without a model, and no record says
 * which span it is about, so they are not calls.
 * https://github.com/openai/codex/blob/main/docs/config.md
 */

import { number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import { readModel, readSession } from './coding-agent.ts';
import type { Dialect, LogInput, Reading } from './dialect.ts';
import { millisOf } from './durations.ts';
import { tokenUsage } from './usage.ts';

function readLog({ log, eventName }: LogInput): Reading | null {
  if (eventName === 'codex.sse_event') return readAnswer(log.attributes);
  return eventName === 'codex.api_request' ? readAttempt(log.attributes) : null;
}

/** The stream of an answer has a record for each of its events; the last that it was asked for tells all. */
function readAnswer(attributes: OtlpAttributes): Reading | null {
  if (text(attributes, 'event.kind') !== 'response.completed') return null;
  const message = text(attributes, 'error.message');
  if (message !== undefined) return { ...readCall(attributes), error: { type: 'error', message } };
  const tokens = tokenUsage({
    input: number(attributes, 'input_token_count'),
    output: number(attributes, 'output_token_count'),
    cacheRead: number(attributes, 'cached_token_count'),
    reasoning: number(attributes, 'reasoning_token_count'),
  });
  // The event itself has a record too, which only says when it came.
  return tokens === undefined ? null : { ...readCall(attributes), tokens };
}

/** One that did not fail is told of again by its answer. Other requests are not for answers. */
function readAttempt(attributes: OtlpAttributes): Reading | null {
  const status = number(attributes, 'http.response.status_code');
  const message = text(attributes, 'error.message');
  const failed = message !== undefined || (status !== undefined && status >= 400);
  if (!failed || !/responses|completions|unknown/.test(text(attributes, 'endpoint') ?? 'unknown')) return null;
  const reading = readCall(attributes);
  const durationMs = millisOf(number(attributes, 'duration_ms'));
  if (durationMs !== undefined) reading.durationMs = durationMs;
  reading.error = { type: status === undefined ? 'error' : String(status), message: message ?? '' };
  return reading;
}

function readCall(attributes: OtlpAttributes): Reading {
  return {
    role: 'report',
    operation: 'chat',
    provider: 'openai',
    ...readModel(text(attributes, 'model')),
    ...readSession(attributes, 'conversation.id', ['user.email', 'user.account_id']),
  };
}

export const codex: Dialect = { name: 'codex', keys: [], log: readLog };
