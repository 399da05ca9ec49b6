/**
 * VoltAgent: a span in words of its own around each call that it makes through the AI SDK, and around these the
 * agent's, which knows the prompt. Where the SDK's own telemetry is on too, its spans are inside. With tools one of its
 * calls is a loop of requests, of which it reports the usage of the last: the agent's has all of them.
 * https://voltagent.dev/observability-docs/
 */

import type { Json } from '../contract/prompt.ts';
import { firstNumber, number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { markIncomplete } from './incomplete.ts';
import { addMessages, messagesOf } from './messages.ts';
import { dollars, finishReasons, providerName } from './names.ts';
import { settingsOf } from './tools.ts';
import { tokenUsage, type Usage } from './usage.ts';
import { recordOfEntries } from './json-text.ts';

const SCOPE = '@voltagent/core';
/** The last of a conversation's messages, no more. */
const MESSAGES_SENT_MAX = 10;

function readSpan({ span }: SpanInput): Reading {
  const { attributes } = span;
  const reading = readContext(attributes);
  const type = text(attributes, 'span.type');
  if (type !== 'llm') {
    reading.role = 'wrapper';
    if (type === 'tool') reading.boundary = 'tool';
    if (type === 'agent' || attributes.has('agent.state')) readAgent(reading, attributes);
    return reading;
  }
  reading.role = 'call';
  reading.operation = 'chat';
  readModel(reading, attributes);
  addContent(reading, attributes);
  if (number(attributes, 'llm.tools.count') !== undefined) return reading;
  const tokens = usageAt(attributes, 'llm.usage.');
  if (tokens !== undefined) reading.tokens = tokens;
  const cost = dollars(number(attributes, 'usage.cost'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  return reading;
}

/** A view of the call inside, which has the tokens of its whole loop. */
function readAgent(reading: Reading, attributes: OtlpAttributes): void {
  const tokens = usageAt(attributes, 'usage.');
  if (tokens === undefined || (tokens.output ?? 0) === 0) {
    reading.boundary = 'agent';
    return;
  }
  reading.role = 'call';
  reading.operation = 'chat';
  reading.tokens = tokens;
}

function usageAt(attributes: OtlpAttributes, prefix: string): Usage | undefined {
  return tokenUsage({
    input: number(attributes, `${prefix}prompt_tokens`),
    output: number(attributes, `${prefix}completion_tokens`),
    cacheRead: number(attributes, `${prefix}cached_tokens`),
    reasoning: number(attributes, `${prefix}reasoning_tokens`),
    total: number(attributes, `${prefix}total_tokens`),
  });
}

function addContent(reading: Reading, attributes: OtlpAttributes): void {
  addMessages(reading, 'input', messagesOf(attributes.get('llm.messages'), 'user'));
  if ((number(attributes, 'llm.messages.count') ?? 0) > MESSAGES_SENT_MAX) markIncomplete(reading, 'content_truncated');
}

function readContext(attributes: OtlpAttributes): Reading {
  const reading: Reading = {};
  const conversation = text(attributes, 'conversation.id');
  if (conversation !== undefined) reading.conversationId = conversation;
  const name = text(attributes, 'prompt.name');
  if (name !== undefined) {
    reading.declared = { name, version: text(attributes, 'prompt.version') ?? null, label: null };
  }
  return reading;
}

/** Parameters by the name that the conventions give them. */
const PARAMETERS = [
  ['temperature', 'llm.temperature'],
  ['top_p', 'llm.top_p'],
  ['max_tokens', 'llm.max_output_tokens'],
] as const;

/** Models are named `provider/model`, or by the model alone. */
function readModel(reading: Reading, attributes: OtlpAttributes): void {
  const named = text(attributes, 'llm.model') ?? '';
  const provider = text(attributes, 'llm.provider');
  const model = provider === undefined ? named : named.slice(named.indexOf('/') + 1);
  const known = providerName(provider);
  if (known !== undefined) reading.provider = known;
  if (model !== '') reading.requestModel = model;
  const reasons = finishReasons(text(attributes, 'llm.finish_reason'));
  if (reasons !== undefined) reading.finishReasons = reasons;
  const parameters = PARAMETERS.flatMap(([name, key]): [string, Json][] => {
    const value = firstNumber(attributes, [key]);
    return value === undefined ? [] : [[name, value]];
  });
  const settings = settingsOf(model === '' ? undefined : model, recordOfEntries(parameters), undefined);
  if (settings !== undefined) reading.settings = settings;
}

export const voltagent: Dialect = { name: 'voltagent', keys: [], scopes: [SCOPE], span: readSpan };
