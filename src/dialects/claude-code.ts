/**
 * Claude Code: spans for calls, log records for cost. Its `api_request` record carries the span id
 * of the whole interaction, so it is matched to a call by the request's id, which newer versions
 * send, else by what both counted. A record of each prompt shows that those of requests come too.
 * https://docs.claude.com/en/docs/claude-code/monitoring-usage
 */

import { firstNumber, firstText, number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import { claudeRun, readModel, readSession } from './coding-agent.ts';
import type { Dialect, LogInput, Reading, SpanInput } from './dialect.ts';
import { millisOf } from './durations.ts';
import { dollars, finishReasons } from './names.ts';
import { tokenUsage } from './usage.ts';

const SCOPE = 'com.anthropic.claude_code';

function readSpan({ span, scope }: SpanInput): Reading | null {
  const type = text(span.attributes, 'span.type');
  if (type === undefined || !(scope.name.startsWith(SCOPE) || span.name.startsWith('claude_code.'))) return null;
  const context = readContext(span.attributes);
  if (type !== 'llm_request') {
    const boundary = type.startsWith('tool') ? { boundary: 'tool' as const } : {};
    return {
      ...context,
      role: 'wrapper',
      ...boundary,
      ...(type === 'interaction' && claudeRun(context.conversationId)),
    };
  }
  const reading: Reading = { ...context, role: 'call', ...readCall(span.attributes) };
  const firstTokenMs = number(span.attributes, 'ttft_ms');
  if (firstTokenMs !== undefined) reading.firstTokenMs = firstTokenMs;
  const reasons = finishReasons(text(span.attributes, 'stop_reason'));
  if (reasons !== undefined) reading.finishReasons = reasons;
  if (text(span.attributes, 'success') === 'false') reading.error = readError(span.attributes);
  return reading;
}

function readLog({ log, scope, eventName }: LogInput): Reading | null {
  if (!scope.name.startsWith(SCOPE) && !eventName.startsWith('claude_code.')) return null;
  const event = eventName.replace(/^claude_code\./, '');
  const context = readContext(log.attributes);
  // With it each request that answers it has a record.
  if (event === 'user_prompt') return { ...context, role: 'detail', ...claudeRun(context.conversationId) };
  if (event !== 'api_request' && event !== 'api_error') return null;
  const reading: Reading = { ...context, role: 'report', ...readCall(log.attributes) };
  const cost = dollars(number(log.attributes, 'cost_usd'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  const durationMs = millisOf(number(log.attributes, 'duration_ms'));
  if (durationMs !== undefined) reading.durationMs = durationMs;
  if (event === 'api_error') reading.error = readError(log.attributes);
  return reading;
}

function readContext(attributes: OtlpAttributes): Reading {
  return readSession(attributes, 'session.id', ['user.email', 'user.account_uuid', 'user.id']);
}

/** Input leaves cached input out, as Anthropic's own API does, but in the conventions' words, which newer versions add. */
function readCall(attributes: OtlpAttributes): Reading {
  const model = firstText(attributes, ['model', 'gen_ai.request.model']);
  const reading: Reading = { operation: 'chat', provider: 'anthropic', ...readModel(model) };
  const answered = text(attributes, 'gen_ai.response.model') ?? model;
  if (answered !== undefined) reading.responseModel = answered;
  const whole = number(attributes, 'gen_ai.usage.input_tokens');
  const tokens = tokenUsage({
    input: whole ?? number(attributes, 'input_tokens'),
    output: number(attributes, 'output_tokens'),
    cacheRead: number(attributes, 'cache_read_tokens'),
    cacheWrite: firstNumber(attributes, ['gen_ai.usage.cache_write.input_tokens', 'cache_creation_tokens']),
    excludesCache: whole === undefined,
  });
  if (tokens !== undefined) reading.tokens = tokens;
  const responseId = firstText(attributes, ['gen_ai.response.id', 'request_id']);
  if (responseId !== undefined) reading.responseId = responseId;
  return reading;
}

function readError(attributes: OtlpAttributes): { readonly type: string; readonly message: string } {
  const status = firstNumber(attributes, ['status_code', 'http.response.status_code']);
  return {
    type: text(attributes, 'error.type') ?? (status === undefined ? 'error' : String(status)),
    message: firstText(attributes, ['error', 'error.message']) ?? '',
  };
}

export const claudeCode: Dialect = { name: 'claude-code', keys: ['span.type'], span: readSpan, log: readLog };
