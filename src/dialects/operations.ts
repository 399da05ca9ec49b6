/** Which operations are model calls, by every name that emitters have for them. */

import type { Operation } from '../contract/invocation.ts';

const OPERATIONS = new Map<string, Operation>([
  ['chat', 'chat'],
  ['generate_content', 'chat'],
  ['text_completion', 'text_completion'],
  ['embeddings', 'embeddings'],
  // LiteLLM's own names, asynchronous ones without their first letter.
  ['completion', 'chat'],
  ['completion_with_retries', 'chat'],
  ['responses', 'chat'],
  ['anthropic_messages', 'chat'],
  ['generate_content_stream', 'chat'],
  ['pass_through_endpoint', 'chat'],
  ['llm_passthrough_route', 'chat'],
  ['embedding', 'embeddings'],
  // Semantic Kernel's.
  ['chat.completions', 'chat'],
  ['chat.streaming_completions', 'chat'],
  ['text.completions', 'text_completion'],
  ['text.streaming_completions', 'text_completion'],
  // An answer in a session of a realtime model, as the conventions are about to name it.
  ['realtime_inference', 'chat'],
  // any-agent's.
  ['call_llm', 'chat'],
  // Rig's.
  ['chat_streaming', 'chat'],
  ['interactions', 'chat'],
  ['interactions_streaming', 'chat'],
  // Images and sound have no name in the conventions: OpenLIT's, Spring AI's, LiteLLM's, OpenAI Agents', Rig's.
  ['image', 'other'],
  ['image_generation', 'other'],
  ['image_edit', 'other'],
  ['image_variation', 'other'],
  ['audio', 'other'],
  ['speech', 'other'],
  ['speech_generation', 'other'],
  ['audio_generation', 'other'],
  ['text_to_speech', 'other'],
  ['transcription', 'other'],
  ['speech_to_text', 'other'],
  ['speech_to_text_translate', 'other'],
  // Envoy's AI Gateway, of speech.
  ['translation', 'other'],
  ['video_generation', 'other'],
  ['ocr', 'other'],
  // TanStack AI's and the AI SDK's.
  ['voice_generation', 'other'],
  ['world_generation', 'other'],
  ['live_video_generation', 'other'],
  ['ai.generatespeech', 'other'],
  ['ai.transcribe', 'other'],
  ['ai.streamtranscribe', 'other'],
]);

/** Undefined for what is no call of a model: agents, steps, tools, retrieval, administration. */
export function operationOf(name: string | undefined): Operation | undefined {
  const lower = name?.toLowerCase();
  if (lower === undefined) return undefined;
  return OPERATIONS.get(lower) ?? (lower.startsWith('a') ? OPERATIONS.get(lower.slice(1)) : undefined);
}

/**
 * What may as well be around calls: of the AI SDK and TanStack AI, whose models answer it at once, and a run of an
 * agent of Azure's, of which nothing is reported but the sum.
 */
const COUNTED = new Set(['decide', 'summarize', 'evaluate', 'process_thread_run']);

/** Of a span that counted what was answered. */
export function countedOperationOf(name: string | undefined): Operation | undefined {
  return name !== undefined && COUNTED.has(name) ? 'chat' : undefined;
}
