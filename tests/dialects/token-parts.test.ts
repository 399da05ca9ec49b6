/** Audio, images and one-hour cache writes where emitters write them, as their sources have it. */

import { describe, expect, it } from 'vitest';
import { LogReader } from '../../src/dialects/read.ts';
import { RESOURCE, SCOPE } from './sender.ts';
import { type Attributes, read } from './span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
const COUNTS = { 'gen_ai.usage.input_tokens': 50, 'gen_ai.usage.output_tokens': 17 };
const json = JSON.stringify;

const ANTHROPIC = {
  input_tokens: 26,
  output_tokens: 17,
  cache_read_input_tokens: 16,
  cache_creation_input_tokens: 8,
  cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 3 },
};
const OPENAI = {
  prompt_tokens: 50,
  completion_tokens: 17,
  total_tokens: 67,
  prompt_tokens_details: { audio_tokens: 20, cached_tokens: 0 },
  completion_tokens_details: { audio_tokens: 12, reasoning_tokens: 0 },
};
const GEMINI = {
  promptTokenCount: 50,
  candidatesTokenCount: 17,
  totalTokenCount: 67,
  cachedContentTokenCount: 16,
  promptTokensDetails: [
    { modality: 'TEXT', tokenCount: 10 },
    { modality: 'AUDIO', tokenCount: 20 },
    { modality: 'IMAGE', tokenCount: 6 },
    { modality: 'DOCUMENT', tokenCount: 4 },
    { modality: 'VIDEO', tokenCount: 10 },
  ],
  cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 16 }],
  candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 12 }],
};
const OF_GEMINI = { input_audio: 20, cache_audio_read: 16, input_image: 10, output_image: 12, input_video: 10 };
const AUDIO = { input_audio: 20, output_audio: 12 };
const WRITTEN = { cache_write_1h: 3 };

describe('parts of tokens', () => {
  it.each<readonly [string, Attributes, object]>([
    [
      'the conventions',
      {
        ...CALL,
        ...COUNTS,
        'gen_ai.usage.cache_read.input_tokens': 16,
        'gen_ai.usage.text.input_tokens': 20,
        'gen_ai.usage.audio.input_tokens': 20,
        'gen_ai.usage.audio.cache_read.input_tokens': 16,
        'gen_ai.usage.audio.output_tokens': 12,
        'gen_ai.usage.image.input_tokens': 10,
        'gen_ai.usage.image.cache_read.input_tokens': 0,
        'gen_ai.usage.image.output_tokens': 2,
      },
      { ...AUDIO, cache_audio_read: 16, input_image: 10, output_image: 2 },
    ],
    [
      'pydantic-ai',
      {
        ...CALL,
        ...COUNTS,
        'gen_ai.usage.details.input_audio_tokens': 20,
        'gen_ai.usage.details.cache_audio_read_tokens': 16,
        'gen_ai.usage.details.output_audio_tokens': 12,
        'gen_ai.usage.details.image_prompt_tokens': 10,
        'gen_ai.usage.details.image_candidates_tokens': 2,
        'gen_ai.usage.details.audio_prompt_tokens': 19,
      },
      { ...AUDIO, cache_audio_read: 16, input_image: 10, output_image: 2 },
    ],
    [
      'LiveKit, of a realtime model',
      {
        ...CALL,
        ...COUNTS,
        'gen_ai.usage.input_text_tokens': 30,
        'gen_ai.usage.input_audio_tokens': 20,
        'gen_ai.usage.input_cached_tokens': 16,
        'gen_ai.usage.output_audio_tokens': 12,
        'lk.realtime_model_metrics': json({
          input_token_details: {
            audio_tokens: 20,
            cached_tokens: 16,
            cached_tokens_details: { audio_tokens: 14, text_tokens: 2, image_tokens: 0 },
          },
          output_token_details: { audio_tokens: 12 },
        }),
      },
      { ...AUDIO, cache_audio_read: 14 },
    ],
    [
      'OpenRouter',
      {
        ...CALL,
        ...COUNTS,
        'gen_ai.usage.input_tokens.audio': 20,
        'gen_ai.usage.input_tokens.video': 10,
        'gen_ai.usage.output_tokens.image': 12,
      },
      { input_audio: 20, output_image: 12, input_video: 10 },
    ],
    [
      'Mastra',
      { ...CALL, ...COUNTS, 'gen_ai.usage.audio_input_tokens': 20, 'gen_ai.usage.audio_output_tokens': 12 },
      AUDIO,
    ],
    [
      'LiteLLM',
      {
        ...CALL,
        ...COUNTS,
        'gen_ai.cost.total_cost': 0.1,
        'metadata.usage_object':
          "{'completion_tokens': 17, 'prompt_tokens': 50, 'total_tokens': 67, 'completion_tokens_details': " +
          "{'audio_tokens': 12, 'reasoning_tokens': None}, 'prompt_tokens_details': {'audio_tokens': 20, " +
          "'cached_tokens': 16, 'cache_creation_tokens': 8, 'cache_creation_token_details': " +
          "{'ephemeral_5m_input_tokens': 5, 'ephemeral_1h_input_tokens': 3}}, 'is_byok': False}",
      },
      { ...WRITTEN, ...AUDIO },
    ],
    [
      'what proxies write of Anthropic',
      {
        ...CALL,
        ...COUNTS,
        'gen_ai.usage.cache_write.input_tokens': 8,
        'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 3,
      },
      WRITTEN,
    ],
    ['Logfire', { ...CALL, ...COUNTS, 'gen_ai.usage.raw': json(ANTHROPIC) }, WRITTEN],
    [
      'OpenInference',
      {
        'openinference.span.kind': 'LLM',
        'llm.token_count.prompt': 50,
        'llm.token_count.completion': 17,
        'llm.token_count.prompt_details.audio': 20,
        'llm.token_count.completion_details.audio': 12,
      },
      AUDIO,
    ],
    [
      'OpenInference, of Anthropic',
      {
        'openinference.span.kind': 'LLM',
        'llm.token_count.prompt': 50,
        'llm.token_count.prompt_details.cache_write': 8,
        'output.value': json({
          content: [{ type: 'text', text: 'it said "ephemeral_1h_input_tokens":900' }],
          usage: ANTHROPIC,
        }),
      },
      WRITTEN,
    ],
    [
      'Langfuse, for OpenAI in JavaScript',
      {
        'langfuse.observation.type': 'generation',
        'langfuse.observation.usage_details': json({
          input: 14,
          output: 5,
          total: 67,
          input_audio_tokens: 20,
          input_cached_tokens: 16,
          output_audio_tokens: 12,
          output_reasoning_tokens: 0,
        }),
      },
      AUDIO,
    ],
    [
      'Langfuse, for OpenAI in Python',
      { 'langfuse.observation.type': 'generation', 'langfuse.observation.usage_details': json(OPENAI) },
      AUDIO,
    ],
    [
      'Langfuse, for Anthropic by hand',
      { 'langfuse.observation.type': 'generation', 'langfuse.observation.usage_details': json(ANTHROPIC) },
      WRITTEN,
    ],
    [
      'Langfuse, for LangChain with Vertex',
      {
        'langfuse.observation.type': 'generation',
        'langfuse.observation.usage_details': json({
          input: 0,
          output: 5,
          total: 67,
          input_modality_AUDIO: 4,
          input_modality_TEXT: 30,
          cached_modality_AUDIO: 16,
          output_modality_IMAGE: 12,
        }),
      },
      { input_audio: 20, cache_audio_read: 16, output_image: 12 },
    ],
    [
      'LangSmith',
      {
        'langsmith.span.kind': 'llm',
        'langsmith.usage_metadata': json({
          input_tokens: 50,
          output_tokens: 17,
          input_token_details: { audio: 20, cache_read: 16, ephemeral_1hr_input_tokens: 3 },
          output_token_details: { audio: 12 },
        }),
      },
      { ...AUDIO, ...WRITTEN },
    ],
    [
      'LangSmith, in Python',
      {
        'langsmith.span.kind': 'llm',
        ...COUNTS,
        'gen_ai.usage.input_token_details': "{'audio': 20, 'cache_read': 16}",
        'gen_ai.usage.output_token_details': "{'audio': 12}",
      },
      AUDIO,
    ],
    [
      'the AI SDK up to 5, with Anthropic',
      {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.model.provider': 'anthropic.messages',
        'ai.response.providerMetadata': json({ anthropic: { usage: ANTHROPIC } }),
      },
      WRITTEN,
    ],
    [
      'the AI SDK 6, with Anthropic',
      {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.model.provider': 'anthropic.messages',
        'ai.usage.inputTokens': 50,
        'ai.usage.outputTokens': 17,
        'ai.usage.inputTokenDetails.noCacheTokens': 26,
        'ai.usage.inputTokenDetails.cacheReadTokens': 16,
        'ai.usage.inputTokenDetails.cacheWriteTokens': 8,
        'ai.response.providerMetadata': json({ anthropic: { usage: ANTHROPIC } }),
      },
      WRITTEN,
    ],
    [
      'the AI SDK 7, with Gemini',
      { ...CALL, ...COUNTS, 'ai.response.providerMetadata': json({ google: { usageMetadata: GEMINI } }) },
      OF_GEMINI,
    ],
    [
      'Genkit, with Gemini',
      {
        'genkit:metadata:subtype': 'model',
        'genkit:name': 'googleai/gemini-2.5-flash',
        'genkit:output': json({
          usage: { inputTokens: 50, outputTokens: 17, totalTokens: 67 },
          raw: { usageMetadata: GEMINI },
        }),
      },
      OF_GEMINI,
    ],
    [
      "Google's ADK",
      {
        ...CALL,
        'gcp.vertex.agent.llm_request': '{}',
        'gcp.vertex.agent.llm_response': json({
          usage_metadata: {
            prompt_token_count: 50,
            candidates_token_count: 17,
            prompt_tokens_details: [{ modality: 'AUDIO', token_count: 20 }],
            candidates_tokens_details: [{ modality: 'AUDIO', token_count: 12 }],
          },
        }),
      },
      AUDIO,
    ],
    [
      'Genkit, with OpenAI',
      {
        'genkit:metadata:subtype': 'model',
        'genkit:name': 'openai/gpt-audio',
        'genkit:output': json({
          usage: { inputTokens: 50, outputTokens: 17, totalTokens: 67 },
          raw: { usage: OPENAI },
        }),
      },
      AUDIO,
    ],
    [
      'MLflow, with OpenAI',
      {
        'mlflow.spanType': '"CHAT_MODEL"',
        'mlflow.chat.tokenUsage': json({ input_tokens: 50, output_tokens: 17, total_tokens: 67 }),
        'mlflow.spanOutputs': json({ usage: OPENAI }),
      },
      AUDIO,
    ],
  ])('are read from %s, within input and output', (_who, attributes, parts) => {
    const tokens = read(attributes)?.tokens;
    expect(tokens?.parts).toEqual(parts);
    expect(tokens?.input).toBe(50);
  });

  it('are read from the response that Logfire sends', () => {
    const response = { request_data: '{"messages":[]}', response_data: json({ message: {}, usage: OPENAI }) };
    const facts = read({ ...CALL, ...COUNTS, ...response }, {}, { name: 'logfire.openai' });
    expect(facts?.tokens).toEqual({ input: 50, output: 17, parts: AUDIO });
  });

  it('are those of a details event as well', () => {
    const attributes = new Map(Object.entries({ ...CALL, ...COUNTS, 'gen_ai.usage.audio.input_tokens': 20 }));
    const facts = new LogReader().read(RESOURCE, SCOPE, {
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      timeNanos: 1n,
      eventName: 'gen_ai.client.inference.operation.details',
      severityNumber: 9,
      body: null,
      attributes,
      droppedAttributes: 0,
    });
    expect(facts?.tokens).toEqual({ input: 50, output: 17, parts: { input_audio: 20 } });
  });

  it.each<readonly [string, Attributes]>([
    ['nothing', { 'gen_ai.usage.audio.input_tokens': 0 }],
    ['no count', { 'gen_ai.usage.audio.input_tokens': -3, 'gen_ai.usage.audio.output_tokens': 2.5 }],
    ['text', { 'gen_ai.usage.raw': '{"prompt_tokens_details":{"audio_tokens":"many"}}' }],
    ['another part', { 'gen_ai.usage.text.input_tokens': 50, 'gen_ai.usage.details.accepted_prediction_tokens': 4 }],
  ])('are missing where there is %s', (_what, attributes) => {
    expect(read({ ...CALL, ...COUNTS, ...attributes })?.tokens).toEqual({ input: 50, output: 17 });
  });

  it('say nothing where no tokens were counted, and nothing of an agent', () => {
    expect(read({ ...CALL, 'gen_ai.usage.audio.input_tokens': 20 })).not.toHaveProperty('tokens');
    const agent = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.usage.audio.input_tokens': 20 };
    expect(read(agent)).not.toHaveProperty('tokens');
  });

  it('of LangSmith in Python come with what was read from a cache', () => {
    const details = { 'gen_ai.usage.input_token_details': "{'cache_read': 16, 'ephemeral_1h_input_tokens': 8}" };
    expect(read({ 'langsmith.span.kind': 'llm', ...COUNTS, ...details })?.tokens).toEqual({
      input: 50,
      output: 17,
      cacheRead: 16,
      cacheWrite: 8,
      parts: { cache_write_1h: 8 },
    });
  });
});
