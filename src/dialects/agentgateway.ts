/** The gateway of that name: the semantic conventions, with cost and first token of its own. */

import { number } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { dollars } from './names.ts';

function readSpan({ span: { attributes } }: SpanInput): Reading {
  const reading: Reading = {};
  const cost = dollars(number(attributes, 'agw.ai.usage.cost.total'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  const firstTokenS = number(attributes, 'agw.ai.time_to_first_token');
  if (firstTokenS !== undefined && firstTokenS > 0) reading.firstTokenMs = firstTokenS * 1_000;
  return reading;
}

export const agentgateway: Dialect = { name: 'agentgateway', keys: ['agw.ai.'], span: readSpan };
