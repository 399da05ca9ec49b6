/**
 * Strands Agents, for Python and TypeScript: the conventions, with the counts of the API that it asks. In TypeScript
 * the scope and the provider are the name of the service that it is used in; a time that nobody else sends tells.
 */

import { number, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { markIncomplete } from './incomplete.ts';
import { operationOf } from './operations.ts';
import { readUsage } from './semconv.ts';

const TIME = 'gen_ai.event.start_time';
const PYTHON = 'strands.telemetry.tracer';
/** As Anthropic's own API calls its models. Bedrock and LiteLLM, which count otherwise, write something before that. */
const CLAUDE = /^claude-/;

function readSpan({ span: { attributes }, scope }: SpanInput): Reading | null {
  if (operationOf(text(attributes, 'gen_ai.operation.name')) === undefined) return null;
  const reading: Reading = {};
  if (attributes.has(TIME)) reading.disbelieved = ['provider'];
  // Milliseconds, where the conventions say seconds.
  const firstTokenMs = number(attributes, 'gen_ai.server.time_to_first_token');
  if (firstTokenMs !== undefined && firstTokenMs > 0) reading.firstTokenMs = firstTokenMs;
  const isClaude = CLAUDE.test(text(attributes, 'gen_ai.request.model') ?? '');
  readUsage(reading, attributes, scope, isClaude);
  const { tokens } = reading;
  const isSilent = tokens !== undefined && tokens.cacheRead === undefined && tokens.cacheWrite === undefined;
  if (isClaude && isSilent && scope.name === PYTHON) markIncomplete(reading, 'usage_without_cache');
  return reading;
}

export const strands: Dialect = { name: 'strands', keys: [TIME], scopes: ['strands.'], span: readSpan };
