/** OpenLIT: the semantic conventions, with environment and cost of its own. A cost of 0 is an unknown model's. */

import { firstText, number } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { dollars } from './names.ts';

function readSpan({ span }: SpanInput): Reading | null {
  const reading: Reading = {};
  const environment = firstText(span.attributes, ['gen_ai.environment']);
  if (environment !== undefined) reading.environment = environment;
  const cost = dollars(number(span.attributes, 'gen_ai.usage.cost'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  return reading;
}

export const openlit: Dialect = {
  name: 'openlit',
  keys: ['gen_ai.environment', 'gen_ai.usage.cost'],
  scopes: ['openlit'],
  span: readSpan,
};
