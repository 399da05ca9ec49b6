/**
 * Pipecat's voice agents: the conventions' names for model and tokens, its own for content. Tokens are
 * as the APIs count them. Of a realtime session each answer is a call.
 */

import { firstNumber, number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { jsonOf } from './json-text.ts';
import { addMessages, messagesOf } from './messages.ts';
import { textPart } from './parts.ts';
import { readTools, settingsOf } from './tools.ts';
import { tokenUsage } from './usage.ts';

const CALLS = new Set(['chat', 'llm_response']);

function readSpan({ span: { attributes } }: SpanInput): Reading {
  const reading: Reading = {};
  const conversation = text(attributes, 'conversation.id');
  if (conversation !== undefined) reading.conversationId = conversation;
  if (!CALLS.has(text(attributes, 'gen_ai.operation.name') ?? '')) return reading;
  reading.role = 'call';
  reading.operation = 'chat';
  addMessages(reading, 'input', messagesOf(attributes.get('input'), 'user'));
  const system = text(attributes, 'system');
  if (system !== undefined) reading.system = [{ role: 'system', parts: [textPart(system)] }];
  const output = text(attributes, 'output');
  if (output !== undefined) reading.output = [{ role: 'assistant', parts: [textPart(output)] }];
  const settings = settingsOf(undefined, undefined, readTools(jsonOf(attributes.get('tools'))));
  if (settings !== undefined) reading.settings = settings;
  const firstByteS = number(attributes, 'metrics.ttfb');
  if (firstByteS !== undefined && firstByteS > 0) reading.firstTokenMs = firstByteS * 1_000;
  readUsage(reading, attributes);
  return reading;
}

/** Each by its present name and the one before; the first two had others for OpenAI's realtime answers. */
const INPUT = ['gen_ai.usage.input_tokens', 'tokens.prompt'];
const OUTPUT = ['gen_ai.usage.output_tokens', 'tokens.completion'];
const CACHE_READ = ['gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.cache_read_input_tokens'];
const CACHE_WRITE = ['gen_ai.usage.cache_creation.input_tokens', 'gen_ai.usage.cache_creation_input_tokens'];
const REASONING = ['gen_ai.usage.reasoning.output_tokens', 'gen_ai.usage.reasoning_tokens'];

/** Anthropic and Bedrock leave out what came from a cache, Gemini its thoughts. */
function readUsage(reading: Reading, attributes: OtlpAttributes): void {
  const provider = text(attributes, 'gen_ai.provider.name') ?? text(attributes, 'gen_ai.system') ?? '';
  const tokens = tokenUsage({
    input: firstNumber(attributes, INPUT),
    output: firstNumber(attributes, OUTPUT),
    cacheRead: firstNumber(attributes, CACHE_READ),
    cacheWrite: firstNumber(attributes, CACHE_WRITE),
    reasoning: firstNumber(attributes, REASONING),
    reasoningIsBeside: provider.startsWith('gcp.'),
    excludesCache: provider === 'anthropic' || provider === 'aws.bedrock',
  });
  if (tokens !== undefined) reading.tokens = tokens;
}

export const pipecat: Dialect = { name: 'pipecat', keys: [], scopes: ['pipecat'], span: readSpan };
