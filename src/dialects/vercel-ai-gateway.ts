/**
 * Vercel's AI Gateway, from its trace drains: the semantic conventions around its attempts, with
 * cost, user and environment of its own.
 */

import { number, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { dollars } from './names.ts';

function readSpan({ span: { attributes } }: SpanInput): Reading | null {
  const reading: Reading = {};
  const cost = dollars(number(attributes, 'vercel.ai_gateway.cost.total'));
  const currency = text(attributes, 'vercel.ai_gateway.cost.currency') ?? 'usd';
  if (cost !== undefined && currency.toLowerCase() === 'usd') reading.reportedCostUsd = cost;
  const user = text(attributes, 'vercel.ai_gateway.user.id');
  if (user !== undefined) reading.userId = user;
  const environment = text(attributes, 'vercel.ai_gateway.environment');
  if (environment !== undefined) reading.environment = environment;
  const id = text(attributes, 'vercel.ai_gateway.generation.id');
  if (id !== undefined) reading.responseId = id;
  return Object.keys(reading).length === 0 ? null : reading;
}

export const vercelAiGateway: Dialect = {
  name: 'vercel-ai-gateway',
  keys: ['vercel.ai_gateway.'],
  span: readSpan,
};
