/**
 * Google's Gemini CLI: a log record for each answer and each error. Its spans know no tokens unless
 * asked to, never all kinds of them, and of a stream no record says which span it is about: they are
 * not calls, and its records in the words of the conventions tell of the same calls again.
 * https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/telemetry.md
 */

import type { Message, MessagePart } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { firstText, number, text, texts } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import { readModel, readSession } from './coding-agent.ts';
import type { Dialect, LogInput, Reading } from './dialect.ts';
import { millisOf } from './durations.ts';
import { type JsonRecord, isArray, isRecord, jsonOf, stringAt } from './json-text.ts';
import { readMessages } from './messages.ts';
import { finishReasons } from './names.ts';
import { geminiUsage } from './usage.ts';

const SCOPE = 'gemini-cli';

function readLog({ log, scope, eventName }: LogInput): Reading | null {
  if (eventName === 'gemini_cli.api_response') return readAnswer(log.attributes);
  if (eventName === 'gemini_cli.api_error') return readFailure(log.attributes);
  return scope.name === SCOPE ? {} : null;
}

function readAnswer(attributes: OtlpAttributes): Reading {
  const reading = readCall(attributes);
  const tokens = geminiUsage({
    promptTokenCount: number(attributes, 'input_token_count') ?? null,
    candidatesTokenCount: number(attributes, 'output_token_count') ?? null,
    cachedContentTokenCount: number(attributes, 'cached_content_token_count') ?? null,
    thoughtsTokenCount: number(attributes, 'thoughts_token_count') ?? null,
    toolUsePromptTokenCount: number(attributes, 'tool_token_count') ?? null,
    totalTokenCount: number(attributes, 'total_token_count') ?? null,
  });
  if (tokens !== undefined) reading.tokens = tokens;
  const reasons = finishReasons(texts(attributes, 'finish_reasons'));
  if (reasons !== undefined) reading.finishReasons = reasons;
  const answered = jsonOf(attributes.get('response_text'));
  const chunks = (isArray(answered) ? answered : [answered]).filter(isRecord);
  const responseId = stringAt(chunks[0], 'responseId');
  if (responseId !== undefined) reading.responseId = responseId;
  const output = chunks.flatMap((chunk) => readMessages(contentOf(chunk), 'assistant'));
  if (output.length > 0) reading.output = [joined(output)];
  return reading;
}

function contentOf(chunk: JsonRecord): Json | undefined {
  const candidates = chunk['candidates'];
  const [first] = isArray(candidates) ? candidates : [];
  return isRecord(first) ? first['content'] : undefined;
}

/** A stream has a message for each piece of what was said. */
function joined(messages: readonly Message[]): Message {
  const parts: MessagePart[] = [];
  for (const part of messages.flatMap((message) => message.parts)) {
    const last = parts.at(-1);
    const isSame = last !== undefined && last.type === part.type;
    if (isSame && last.type === 'text' && part.type === 'text') {
      parts[parts.length - 1] = { type: 'text', text: last.text + part.text };
    } else if (isSame && last.type === 'reasoning' && part.type === 'reasoning') {
      parts[parts.length - 1] = { type: 'reasoning', text: last.text + part.text };
    } else parts.push(part);
  }
  return { role: 'assistant', parts };
}

function readFailure(attributes: OtlpAttributes): Reading {
  const status = text(attributes, 'status_code');
  const type = firstText(attributes, ['error.type', 'error_type']) ?? status ?? 'error';
  return {
    ...readCall(attributes),
    error: { type, message: firstText(attributes, ['error.message', 'error']) ?? '' },
  };
}

function readCall(attributes: OtlpAttributes): Reading {
  const isVertex = text(attributes, 'auth_type') === 'vertex-ai';
  const durationMs = millisOf(number(attributes, 'duration_ms'));
  return {
    role: 'report',
    operation: 'chat',
    provider: isVertex ? 'gcp.vertex_ai' : 'gcp.gemini',
    ...readModel(text(attributes, 'model')),
    ...readSession(attributes, 'session.id', ['user.email', 'installation.id']),
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}

export const geminiCli: Dialect = { name: 'gemini-cli', keys: [], log: readLog };
