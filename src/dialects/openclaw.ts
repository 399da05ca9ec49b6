/**
 * OpenClaw: a span for each request to a model, in the words of the conventions, and one with the sum of a run of its
 * agent beside them, which is all that older versions have. Of agents that it starts as programs a request is a turn.
 * https://docs.openclaw.ai/gateway/opentelemetry
 */

import { number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { modelName, providerName } from './names.ts';
import { settingsOf } from './tools.ts';
import { tokenUsage } from './usage.ts';

/** The run is that of the trace. */
const RUN = '';
const CALL_NAME = 'openclaw.model.call';
const UNIT = 'openclaw.model_call.observation_unit';

function readSpan({ span: { name, attributes } }: SpanInput): Reading {
  const reading: Reading = {};
  const session = text(attributes, 'openclaw.sessionId');
  if (session !== undefined) reading.conversationId = session;
  if (attributes.has('openclaw.tokens.output')) return { ...reading, ...readSum(attributes) };
  if (name === CALL_NAME || attributes.has(UNIT)) return { ...reading, ...readCall(attributes) };
  reading.role = 'wrapper';
  if (name === 'openclaw.tool.execution') reading.boundary = 'tool';
  return reading;
}

/** Input leaves out what came from a cache and was written to it. */
function readSum(attributes: OtlpAttributes): Reading {
  const tokens = tokenUsage({
    input: number(attributes, 'openclaw.tokens.input'),
    output: number(attributes, 'openclaw.tokens.output'),
    cacheRead: number(attributes, 'openclaw.tokens.cache_read'),
    cacheWrite: number(attributes, 'openclaw.tokens.cache_write'),
    excludesCache: true,
  });
  return { role: 'call', ...readModel(attributes), run: RUN, isSum: true, ...(tokens && { tokens }) };
}

function readCall(attributes: OtlpAttributes): Reading {
  const tokens = tokenUsage({ reasoning: number(attributes, 'openclaw.model_call.usage.reasoning_output_tokens') });
  return {
    role: 'call',
    ...readModel(attributes),
    ...(text(attributes, UNIT) === 'turn' && { boundary: 'agent' as const }),
    // Some versions count the sum alone.
    ...(attributes.has('gen_ai.usage.output_tokens') && { run: RUN }),
    ...(tokens && { tokens }),
  };
}

/** OpenAI's chats stand as text completions in its words of the conventions. */
function readModel(attributes: OtlpAttributes): Reading {
  const provider = providerName(text(attributes, 'openclaw.provider'));
  const model = modelName(text(attributes, 'openclaw.model'));
  const settings = settingsOf(model, undefined, undefined);
  return {
    operation: 'chat',
    ...(provider !== undefined && { provider }),
    ...(model !== undefined && { requestModel: model }),
    ...(settings !== undefined && { settings }),
  };
}

export const openclaw: Dialect = { name: 'openclaw', keys: ['openclaw.'], span: readSpan };
