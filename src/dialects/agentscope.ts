/**
 * AgentScope: the semantic conventions, with a cache in words of its own, and counts of the API that it asks. It says
 * of every answer that it came to its end.
 */

import { number, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { tokenUsage } from './usage.ts';

function readSpan({ span: { attributes } }: SpanInput): Reading | null {
  if (text(attributes, 'gen_ai.operation.name') !== 'chat') return null;
  const tokens = tokenUsage({
    input: number(attributes, 'gen_ai.usage.input_tokens'),
    output: number(attributes, 'gen_ai.usage.output_tokens'),
    cacheRead: number(attributes, 'agentscope.usage.cache_input_tokens'),
    cacheWrite: number(attributes, 'agentscope.usage.cache_creation_input_tokens'),
    excludesCache: text(attributes, 'gen_ai.provider.name') === 'anthropic',
  });
  return { disbelieved: ['finishReasons'], ...(tokens && { tokens }) };
}

export const agentscope: Dialect = {
  name: 'agentscope',
  keys: ['agentscope.'],
  scopes: ['agentscope'],
  span: readSpan,
};
