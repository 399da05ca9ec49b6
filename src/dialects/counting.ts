/** Who counts tokens otherwise than the conventions say, known by the scope of its spans. */

import type { OtlpScope } from '../otlp/model.ts';

/** Input without what came from a cache and was written to it, as the APIs of Anthropic and Bedrock count it. */
const LEAVE_CACHE_OUT = new Set([
  'opentelemetry.instrumentation.bedrock',
  'openlit.instrumentation.anthropic',
  'openlit.instrumentation.bedrock',
  '@openlit/instrumentation-anthropic',
  '@openlit/instrumentation-bedrock',
]);
/** Did so before 0.28, and its older versions say nothing of a cache. */
const LEFT_CACHE_OUT = '@traceloop/instrumentation-anthropic';

/** Output without the model's thoughts, which only the total has, as the API of Gemini counts it. */
const LEAVE_THOUGHTS_OUT = new Set([
  'opentelemetry.instrumentation.google_generativeai',
  'opentelemetry.instrumentation.vertexai',
  '@traceloop/instrumentation-vertexai',
]);

interface Counting {
  readonly leavesCacheOut: boolean;
  /** Where no part that came from a cache is reported, it may have been left out all the same. */
  readonly hidesCache: boolean;
  readonly leavesThoughtsOut: boolean;
}

export function countingOf({ name, version }: OtlpScope): Counting {
  const leftCacheOut = name === LEFT_CACHE_OUT && /^(?:0\.(?:1?\d|2[0-7])\.|$)/.test(version);
  return {
    leavesCacheOut: leftCacheOut || LEAVE_CACHE_OUT.has(name),
    hidesCache: leftCacheOut,
    leavesThoughtsOut: LEAVE_THOUGHTS_OUT.has(name),
  };
}
