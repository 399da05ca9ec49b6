/**
 * Tencent's tRPC-Agent-Go: the semantic conventions, with the counts of the API that it asks. Those of Anthropic and
 * Bedrock leave out what came from a cache and was written to it, and only theirs say so by these names.
 */

import { firstNumber, number, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { jsonOf } from './json-text.ts';
import { readTools, settingsOf } from './tools.ts';
import { tokenUsage } from './usage.ts';

const CACHE_READ = 'gen_ai.usage.input_tokens.cache_read';
const CACHE_WRITE = 'gen_ai.usage.input_tokens.cache_creation';

function readSpan({ span: { attributes } }: SpanInput): Reading {
  const reading: Reading = {};
  const user = text(attributes, 'trpc.go.agent.runner.user_id');
  if (user !== undefined) reading.userId = user;
  if (text(attributes, 'gen_ai.operation.name') !== 'chat') return reading;
  const tokens = tokenUsage({
    input: number(attributes, 'gen_ai.usage.input_tokens'),
    output: number(attributes, 'gen_ai.usage.output_tokens'),
    cacheRead: firstNumber(attributes, [CACHE_READ, 'gen_ai.usage.input_tokens.cached']),
    cacheWrite: number(attributes, CACHE_WRITE),
    excludesCache: attributes.has(CACHE_READ) || attributes.has(CACHE_WRITE),
  });
  if (tokens !== undefined) reading.tokens = tokens;
  const tools = readTools(jsonOf(attributes.get('gen_ai.request.tool.definitions')));
  const settings = settingsOf(undefined, undefined, tools);
  if (settings !== undefined) reading.settings = settings;
  return reading;
}

export const trpcAgentGo: Dialect = { name: 'trpc-agent-go', keys: ['trpc.go.agent.'], span: readSpan };
