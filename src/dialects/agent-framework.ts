/** Microsoft's Agent Framework for Python: the conventions' names, with the counts of the API that it asks. */

import { number, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { markIncomplete } from './incomplete.ts';
import { providerName } from './names.ts';
import { tokenUsage } from './usage.ts';

const SCOPE = 'agent_framework';
/** Who serves Claude by Anthropic's API besides Anthropic; gateways that speak OpenAI's count as OpenAI does. */
const SERVES_CLAUDE = new Set(['azure.ai.foundry', 'gcp.vertex_ai', 'aws.bedrock']);

function readSpan({ span, scope }: SpanInput): Reading | null {
  const { attributes } = span;
  if (scope.name !== SCOPE || text(attributes, 'gen_ai.operation.name') !== 'chat') return null;
  const provider = providerName(text(attributes, 'gen_ai.provider.name'));
  const isClaude = provider === 'anthropic' || (SERVES_CLAUDE.has(provider ?? '') && namesClaude(attributes));
  const tokens = tokenUsage({
    input: number(attributes, 'gen_ai.usage.input_tokens'),
    output: number(attributes, 'gen_ai.usage.output_tokens'),
    cacheRead: number(attributes, 'gen_ai.usage.cache_read.input_tokens'),
    cacheWrite: number(attributes, 'gen_ai.usage.cache_creation.input_tokens'),
    reasoning: number(attributes, 'gen_ai.usage.reasoning.output_tokens'),
    reasoningIsBeside: provider === 'gcp.gemini',
    excludesCache: isClaude || provider === 'aws.bedrock',
  });
  if (tokens === undefined) return null;
  const reading: Reading = { tokens };
  // Until June 2026 it said nothing of a cache.
  const isSilent = tokens.cacheRead === undefined && tokens.cacheWrite === undefined;
  if (isClaude && isSilent) markIncomplete(reading, 'usage_without_cache');
  return reading;
}

/** Of which a deployment's name may say nothing. */
function namesClaude(attributes: OtlpAttributes): boolean {
  return ['gen_ai.request.model', 'gen_ai.response.model'].some(
    (key) => text(attributes, key)?.includes('claude') === true,
  );
}

export const agentFramework: Dialect = { name: 'agent-framework', keys: [], scopes: [SCOPE], span: readSpan };
