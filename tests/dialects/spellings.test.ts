/** One attribute, one fact: the names under which emitters write what no capture happens to hold. */

import { describe, expect, it } from 'vitest';
import { type Attributes, read } from './span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
const SDK = { 'ai.operationId': 'ai.generateText.doGenerate', 'ai.model.id': 'm' };
const LITELLM = { ...CALL, 'metadata.user_api_key_hash': 'h' };

describe('tokens', () => {
  it.each<readonly [string, Readonly<Record<string, number>>]>([
    ['prompt_tokens_details.cache_read', { cacheRead: 16 }],
    ['prompt_tokens_details.cached_tokens', { cacheRead: 16 }],
    ['details.cached_tokens', { cacheRead: 16 }],
    ['prompt_tokens_details.cache_write', { cacheWrite: 16 }],
    ['details.cache_write_tokens', { cacheWrite: 16 }],
    ['completion_tokens_details.reasoning', { reasoning: 16 }],
    ['completion_tokens_details.reasoning_tokens', { reasoning: 16 }],
    ['reasoning_output_tokens', { reasoning: 16 }],
    ['details.thoughts_tokens', { reasoning: 16 }],
    ['details.thinking_tokens', { reasoning: 16 }],
  ])('gen_ai.usage.%s', (name, kinds) => {
    const counts = { 'gen_ai.usage.input_tokens': 42, 'gen_ai.usage.output_tokens': 17, [`gen_ai.usage.${name}`]: 16 };
    expect(read({ ...CALL, ...counts })?.tokens).toEqual({ input: 42, output: 17, ...kinds });
  });

  it.each([
    ['cache_creation.ephemeral_1h_input_tokens', 'cache_write_1h'],
    ['details.audio_cache_tokens', 'cache_audio_read'],
    ['details.audio_candidates_tokens', 'output_audio'],
    ['details.audio_response_tokens', 'output_audio'],
    ['details.image_cache_tokens', 'cache_image_read'],
    ['details.image_response_tokens', 'output_image'],
    ['details.video_prompt_tokens', 'input_video'],
    ['details.video_candidates_tokens', 'output_video'],
    ['details.video_response_tokens', 'output_video'],
  ])('gen_ai.usage.%s is the part %s', (name, part) => {
    const counts = { 'gen_ai.usage.input_tokens': 42, [`gen_ai.usage.${name}`]: 16 };
    expect(read({ ...CALL, ...counts })?.tokens?.parts).toEqual({ [part]: 16 });
  });
});

describe('of the AI SDK', () => {
  it.each([
    ['ai.settings.topP', 'top_p'],
    ['ai.settings.topK', 'top_k'],
    ['ai.settings.maxOutputTokens', 'max_tokens'],
    ['ai.settings.maxTokens', 'max_tokens'],
    ['ai.settings.frequencyPenalty', 'frequency_penalty'],
    ['ai.settings.presencePenalty', 'presence_penalty'],
    ['ai.settings.seed', 'seed'],
  ])('%s is the parameter %s', (key, parameter) => {
    expect(read({ ...SDK, [key]: 7 })?.settings).toEqual({ model: 'm', parameters: { [parameter]: 7 } });
  });

  it('an object is what was said, and reasoning comes before it', () => {
    const answer = { 'ai.response.object': '{"a":1}', 'ai.response.reasoning': 'hm' };
    expect(read({ ...SDK, ...answer })?.output?.[0]?.parts).toEqual([
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: '{"a":1}' },
    ]);
  });

  it('a stream tells when its first chunk came', () => {
    expect(read({ ...SDK, 'ai.stream.msToFirstChunk': 250 })?.firstTokenMs).toBe(250);
  });
});

describe('of the conventions', () => {
  it.each(['top_k', 'frequency_penalty', 'presence_penalty', 'seed', 'choice.count', 'reasoning.effort'])(
    'gen_ai.request.%s is a parameter',
    (name) => {
      const settings = read({ ...CALL, [`gen_ai.request.${name}`]: 7 })?.settings;
      expect(settings).toEqual({ model: 'm', parameters: { [name]: 7 } });
    },
  );

  it.each([
    'gen_ai.response.time_to_first_chunk',
    'gen_ai.client.operation.time_to_first_chunk',
    'gen_ai.server.time_to_first_token',
    'gen_ai.server.ttft',
    'gen_ai.latency.time_to_first_token',
  ])('%s is in seconds', (key) => {
    expect(read({ ...CALL, [key]: 0.25 })?.firstTokenMs).toBe(250);
  });
});

describe('who asked, and in what conversation', () => {
  it.each<readonly [string, Attributes, string]>([
    ['enduser.id', CALL, 'userId'],
    ['enduser.pseudo.id', CALL, 'userId'],
    ['langfuse.user.id', CALL, 'userId'],
    ['langfuse.session.id', CALL, 'conversationId'],
    ['langwatch.customer.id', CALL, 'userId'],
    ['langwatch.session.id', CALL, 'conversationId'],
    ['litellm.end_user.id', LITELLM, 'userId'],
    ['litellm.metadata.user_api_key_end_user_id', LITELLM, 'userId'],
    ['metadata.user_api_key_end_user_id', LITELLM, 'userId'],
    ['llm.user', LITELLM, 'userId'],
    ['traceloop.association.properties.chat_id', CALL, 'conversationId'],
    ['traceloop.association.properties.conversation_id', CALL, 'conversationId'],
    ['langsmith.metadata.thread_id', { 'langsmith.span.kind': 'llm' }, 'conversationId'],
  ])('%s', (key, call, fact) => {
    expect(read({ ...call, [key]: 'x1' })).toMatchObject({ [fact]: 'x1' });
  });
});

describe('a declared prompt', () => {
  it.each<readonly [string, Attributes, string | null, string | null]>([
    ['the conventions', { ...CALL, 'gen_ai.prompt.name': 'p', 'gen_ai.prompt.version': '3' }, '3', null],
    ['OpenLLMetry', { ...CALL, 'traceloop.prompt.key': 'p', 'traceloop.prompt.version': 3 }, '3', null],
    [
      'OpenLLMetry, by hash and name',
      {
        ...CALL,
        'traceloop.prompt.key': 'p',
        'traceloop.prompt.version_hash': 'h1',
        'traceloop.prompt.version_name': 'live',
      },
      'h1',
      'live',
    ],
    [
      'OpenInference',
      { 'openinference.span.kind': 'LLM', 'prompt.id': 'p', 'llm.prompt_template.version': '3' },
      '3',
      null,
    ],
    [
      'the AI SDK’s metadata',
      { ...SDK, 'ai.telemetry.metadata.prompt_name': 'p', 'ai.telemetry.metadata.prompt_label': 'live' },
      null,
      'live',
    ],
    ['the AI SDK 7’s context', { ...SDK, 'ai.settings.context.promptName': 'p' }, null, null],
    [
      'the AI SDK with Langfuse’s prompt',
      { ...SDK, 'ai.telemetry.metadata.langfusePrompt': '{"name":"p","version":3}' },
      '3',
      null,
    ],
    [
      'Langfuse',
      { ...CALL, 'langfuse.observation.prompt.name': 'p', 'langfuse.observation.prompt.version': 3 },
      '3',
      null,
    ],
    [
      'LangSmith, by repository and commit',
      {
        'langsmith.span.kind': 'llm',
        'langsmith.metadata.lc_hub_repo': 'p',
        'langsmith.metadata.lc_hub_commit_hash': 'h1',
      },
      'h1',
      null,
    ],
    ['MLflow', { 'mlflow.spanType': '"LLM"', 'mlflow.linkedPrompts': '[{"name":"p","version":"3"}]' }, '3', null],
    [
      'LiteLLM',
      {
        ...LITELLM,
        'metadata.prompt_management_metadata': '{"prompt_id":"p","prompt_version":3,"prompt_label":"live"}',
      },
      '3',
      'live',
    ],
  ])('of %s', (_whose, attributes, version, label) => {
    expect(read(attributes)?.declared).toEqual({ name: 'p', version, label });
  });

  it.each(['PromptTemplate', 'ChatPromptTemplate'])("is none by the name of LangChain's class: %s", (name) => {
    const attributes = { ...CALL, 'gen_ai.prompt.name': name, 'gen_ai.prompt.variable.city': 'Rome' };
    expect(read(attributes)).not.toHaveProperty('declared');
    expect(read(attributes)?.variables).toEqual({ city: 'Rome' });
  });

  it('has its variables with it: LiteLLM', () => {
    const managed = '{"prompt_id":"p","prompt_variables":{"city":"Rome","n":2}}';
    const facts = read({ ...LITELLM, 'metadata.prompt_management_metadata': managed });
    expect(facts?.variables).toEqual({ city: 'Rome', n: '2' });
  });
});
