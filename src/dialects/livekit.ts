/**
 * LiveKit's agents: the semantic conventions with messages as events, and beside them its own metrics. Spans
 * around a turn of the user and around speech name a model as well, and are no calls.
 */

import { text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { type JsonRecord, numberAt, recordAt } from './json-text.ts';
import { tokenUsage } from './usage.ts';

const METRICS = ['lk.llm_metrics', 'lk.realtime_model_metrics'];

function readSpan({ span: { attributes } }: SpanInput): Reading | null {
  if (text(attributes, 'gen_ai.operation.name') === undefined) return { role: 'wrapper' };
  const metrics = metricsOf(attributes);
  const reading: Reading = {};
  const tokens = tokenUsage({ cacheWrite: numberAt(metrics, 'cache_creation_tokens') });
  if (tokens !== undefined) reading.tokens = tokens;
  // Minus one where nothing came.
  const firstTokenS = numberAt(metrics, 'ttft');
  if (firstTokenS !== undefined && firstTokenS > 0) reading.firstTokenMs = firstTokenS * 1_000;
  return reading;
}

function metricsOf(attributes: OtlpAttributes): JsonRecord | undefined {
  const key = METRICS.find((one) => attributes.has(one));
  return key === undefined ? undefined : recordAt(attributes, key);
}

export const livekit: Dialect = { name: 'livekit', keys: [], scopes: ['livekit-agents'], span: readSpan };
