/**
 * Rig: the semantic conventions, with the counts of the API that it asks. The scope is its user's, but each usage
 * has a kind of tokens that nobody else tells apart: what tools of the provider added to the input.
 */

import { number, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { providerName } from './names.ts';
import { operationOf } from './operations.ts';
import { tokenUsage } from './usage.ts';

const OF_TOOLS = 'gen_ai.usage.tool_use_prompt_tokens';
/** Their input leaves out what came from a cache and was written to it. */
const LEAVE_CACHE_OUT = new Set(['anthropic', 'aws.bedrock']);

function readSpan({ span: { attributes } }: SpanInput): Reading | null {
  // An agent has the sum of its calls.
  if (operationOf(text(attributes, 'gen_ai.operation.name')) === undefined) return null;
  const provider = providerName(text(attributes, 'gen_ai.provider.name')) ?? '';
  const input = number(attributes, 'gen_ai.usage.input_tokens');
  const tokens = tokenUsage({
    input: input === undefined ? undefined : input + (number(attributes, OF_TOOLS) ?? 0),
    output: number(attributes, 'gen_ai.usage.output_tokens'),
    cacheRead: number(attributes, 'gen_ai.usage.cache_read.input_tokens'),
    cacheWrite: number(attributes, 'gen_ai.usage.cache_creation.input_tokens'),
    reasoning: number(attributes, 'gen_ai.usage.reasoning_tokens'),
    reasoningIsBeside: provider.startsWith('gcp.'),
    excludesCache: LEAVE_CACHE_OUT.has(provider),
  });
  return tokens === undefined ? null : { tokens };
}

export const rig: Dialect = { name: 'rig', keys: [OF_TOOLS], span: readSpan };
