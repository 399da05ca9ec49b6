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
/** Versions that did so as well, of which the older ones say nothing of a cache. */
const LEFT_CACHE_OUT = new Map([
  ['@traceloop/instrumentation-anthropic', /^(?:0\.(?:1?\d|2[0-7])\.|$)/],
  ['@arizeai/openinference-instrumentation-anthropic', /^0\.[01]\./],
]);

/** AgentOps' instrumentation, which says nothing of a cache. */
const HIDE_CACHE = new Set(['anthropic']);
/** OpenTelemetry's instrumentations of AWS's SDKs say what Bedrock calls input, without what came from a cache. */
const HIDE_CACHE_OF_BEDROCK = new Set([
  'opentelemetry.instrumentation.botocore.bedrock-runtime',
  '@opentelemetry/instrumentation-aws-sdk',
  'io.opentelemetry.aws-sdk-2.2',
]);

/** Spring AI's spans are those of Micrometer, which Spring Boot makes. */
const SPRING = 'org.springframework.boot';

/**
 * Count as the APIs do that they ask; of these only those of Anthropic and Bedrock say what was written to
 * a cache, and leave it out.
 */
const LEAVE_CACHE_OUT_WHERE_WRITTEN = new Set(['opentelemetry.instrumentation.llamaindex', SPRING]);

/** Output without the model's thoughts, which only the total has, as the API of Gemini counts it. */
const LEAVE_THOUGHTS_OUT = new Set([
  'opentelemetry.instrumentation.google_generativeai',
  'opentelemetry.instrumentation.vertexai',
  '@traceloop/instrumentation-vertexai',
  'openinference.instrumentation.vertexai',
  'openinference.instrumentation.llama_index',
  // AgentOps'.
  'google-genai',
  SPRING,
]);

interface Counting {
  readonly leavesCacheOut: boolean;
  /** Of calls that say what was written to a cache. */
  readonly leavesCacheOutWhereWritten: boolean;
  /** Where no part that came from a cache is reported, it may have been left out all the same. */
  readonly hidesCache: boolean;
  /** The same, of models that can cache. */
  readonly hidesCacheOfBedrock: boolean;
  readonly leavesThoughtsOut: boolean;
}

export function countingOf({ name, version }: OtlpScope): Counting {
  const leftCacheOut = LEFT_CACHE_OUT.get(name)?.test(version) === true;
  return {
    leavesCacheOut: leftCacheOut || LEAVE_CACHE_OUT.has(name),
    leavesCacheOutWhereWritten: LEAVE_CACHE_OUT_WHERE_WRITTEN.has(name),
    hidesCache: leftCacheOut || HIDE_CACHE.has(name),
    hidesCacheOfBedrock: HIDE_CACHE_OF_BEDROCK.has(name),
    leavesThoughtsOut: LEAVE_THOUGHTS_OUT.has(name),
  };
}
