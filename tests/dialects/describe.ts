/** An invocation in the few lines that a person can check against what the emitter was told to do. */

import type { Invocation, Message, MessagePart, TokenUsage } from '../../src/contract/invocation.ts';
import { sha256 } from '../../src/lib/hash.ts';

/** Longer conversations are a count and a hash in the golden files. */
const MESSAGES_SHOWN_MAX = 12;

export function describeInvocation(invocation: Invocation): Record<string, unknown> {
  const { declared, error } = invocation;
  const described = {
    span: invocation.spanId,
    from: [invocation.service, invocation.instance, invocation.environment].join(' / '),
    call: `${invocation.operation}: ${invocation.provider} ${invocation.requestModel} → ${invocation.responseModel}`,
    response: invocation.responseId,
    tier: invocation.serviceTier === 'default' ? '' : invocation.serviceTier,
    tokens: describeTokens(invocation.tokens),
    finish: invocation.finishReasons,
    error: error === null ? null : `${error.type}: ${error.message.split('\n')[0]}`,
    prompt:
      declared === null
        ? null
        : `${declared.name}@${declared.version ?? '?'}${declared.label === null ? '' : `#${declared.label}`}`,
    template: invocation.template,
    variables: invocation.variables,
    conversation: invocation.conversationId,
    user: invocation.userId,
    input: describeMessages(invocation.input),
    output: describeMessages(invocation.output),
    settings: describeSettings(invocation),
    cost: invocation.reportedCostUsd,
    firstTokenMs: invocation.firstTokenMs === null ? null : Math.round(invocation.firstTokenMs),
    evaluations: invocation.evaluations.map(
      ({ name, score, label, explanation }) =>
        `${name}: ${score} ${label}${explanation === null ? '' : ` (${explanation})`}`,
    ),
    incomplete: invocation.incomplete,
    dialects: invocation.dialects.join(' '),
  };
  return Object.fromEntries(Object.entries(described).filter(([, value]) => !isNothing(value)));
}

function isNothing(value: unknown): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function describeTokens({ input, output, cacheRead, cacheWrite, reasoning, parts = {} }: TokenUsage): string {
  return [
    [input, 'in'],
    [cacheRead, 'read from cache'],
    [cacheWrite, 'written to cache'],
    [output, 'out'],
    [reasoning, 'reasoning'],
    ...Object.entries(parts).map(([part, count]) => [count, part]),
  ]
    .filter(([count]) => count !== null)
    .map(([count, kind]) => `${count} ${kind}`)
    .join(', ');
}

export function describeMessages(messages: readonly Message[] | null): unknown {
  if (messages === null) return null;
  const lines = messages.flatMap((message) => message.parts.map((part) => `${message.role}: ${describePart(part)}`));
  if (lines.length <= MESSAGES_SHOWN_MAX) return lines;
  return { messages: messages.length, hash: sha256(JSON.stringify(messages)) };
}

function describePart(part: MessagePart): string {
  if (part.type === 'media') return `(${part.modality}) ${part.reference.slice(0, 23)}`;
  if (part.type === 'tool_call') return `(call ${part.id}) ${part.name}(${JSON.stringify(part.arguments)})`;
  if (part.type === 'tool_call_response') return `(answer ${part.id}) ${JSON.stringify(part.result)}`;
  return part.type === 'reasoning' ? `(reasoning) ${part.text}` : part.text;
}

function describeSettings({ settings }: Invocation): unknown {
  const tools = settings.tools?.map((tool) => (tool as { readonly name?: string }).name);
  if (settings.parameters === undefined && tools === undefined) return null;
  return { ...settings.parameters, ...(tools === undefined ? {} : { tools }) };
}
