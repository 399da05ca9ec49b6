/** What instrumentations write where they differ from the conventions, as their sources have it. */

import { describe, expect, it } from 'vitest';
import { LogReader } from '../../src/dialects/read.ts';
import type { OtlpLog } from '../../src/otlp/model.ts';
import { RESOURCE, SCOPE } from './sender.ts';
import { type Attributes, event, read } from './span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

describe('a stand-in for content that was not to be sent', () => {
  const message = 'llm.input_messages.0.message';
  it.each<readonly [string, Attributes]>([
    [
      'OpenInference, all hidden',
      { 'openinference.span.kind': 'LLM', 'input.value': '__REDACTED__', 'output.value': '__REDACTED__' },
    ],
    [
      'OpenInference, texts hidden',
      {
        'openinference.span.kind': 'LLM',
        [`${message}.role`]: 'system',
        [`${message}.content`]: '__REDACTED__',
        'llm.input_messages.1.message.role': 'assistant',
        'llm.input_messages.1.message.tool_calls.0.tool_call.function.name': 'f',
      },
    ],
    [
      'OpenInference, texts of parts hidden',
      {
        'openinference.span.kind': 'LLM',
        [`${message}.role`]: 'user',
        [`${message}.contents.0.message_content.type`]: 'text',
        [`${message}.contents.0.message_content.text`]: '__REDACTED__',
      },
    ],
    [
      'LiteLLM',
      {
        ...CALL,
        'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"redacted-by-litellm"}]}]',
      },
    ],
    [
      'LiteLLM, of a tool',
      { ...CALL, 'gen_ai.input.messages': '[{"role":"tool","tool_call_id":"c1","content":"redacted-by-litellm"}]' },
    ],
  ])('is no content: %s', (_what, attributes) => {
    const facts = read(attributes);
    expect(facts?.role).toBe('call');
    expect(facts).not.toHaveProperty('input');
    expect(facts).not.toHaveProperty('output');
  });

  it("is no content in Gemini's events", () => {
    expect(readLog('gen_ai.system.message', { content: '<elided>' })).toBeNull();
    expect(readLog('gen_ai.choice', { content: '<elided>', finish_reason: 'STOP' })).not.toHaveProperty('output');
  });
});

describe('tokens', () => {
  const usage = (input: number, more: Attributes = {}) => ({
    ...CALL,
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': 17,
    'gen_ai.usage.cache_read.input_tokens': 16,
    'gen_ai.usage.cache_creation.input_tokens': 8,
    ...more,
  });
  const whole = { input: 50, output: 17, cacheRead: 16, cacheWrite: 8 };

  it.each([
    ['@traceloop/instrumentation-anthropic', '0.27.0', 26],
    ['@traceloop/instrumentation-anthropic', '', 26],
    ['@traceloop/instrumentation-anthropic', '0.28.0', 50],
    ['@traceloop/instrumentation-anthropic', '1.0.0', 50],
    ['opentelemetry.instrumentation.anthropic', '0.62.1', 50],
    ['opentelemetry.instrumentation.bedrock', '0.62.1', 26],
    ['openlit.instrumentation.anthropic', '1.40.0', 26],
    ['@openlit/instrumentation-bedrock', '1.0.0', 26],
    ['openlit.instrumentation.langchain', '1.40.0', 50],
  ])('of %s %s are told with or without what came from a cache', (name, version, input) => {
    const total = { 'gen_ai.usage.total_tokens': input + 17 };
    expect(read(usage(input, total), {}, { name, version })?.tokens).toEqual(whole);
  });

  it('of which a part may be missing are marked, of old versions alone', () => {
    const attributes = { ...CALL, 'gen_ai.usage.input_tokens': 26, 'gen_ai.usage.output_tokens': 17 };
    const name = '@traceloop/instrumentation-anthropic';
    expect(read(attributes, {}, { name, version: '0.20.0' })?.incomplete).toEqual(['usage_without_cache']);
    expect(read(attributes, {}, { name, version: '0.28.0' })).not.toHaveProperty('incomplete');
  });

  it('of Strands have a total', () => {
    const strands = {
      ...CALL,
      'gen_ai.usage.input_tokens': 26,
      'gen_ai.usage.output_tokens': 17,
      'gen_ai.usage.total_tokens': 67,
      'gen_ai.usage.cache_read_input_tokens': 16,
      'gen_ai.usage.cache_write_input_tokens': 8,
    };
    expect(read(strands)?.tokens).toEqual(whole);
  });

  it('of the AI SDK up to 5 are those of Bedrock and of Gemini', () => {
    const sdk = (provider: string, metadata: object, more: Attributes = {}) => ({
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.model.provider': provider,
      'ai.model.id': 'us.anthropic.claude-sonnet-4-5',
      'ai.usage.promptTokens': 26,
      'ai.usage.completionTokens': 17,
      'ai.response.providerMetadata': JSON.stringify(metadata),
      ...more,
    });
    const written = { bedrock: { usage: { cacheWriteInputTokens: 8 } } };
    const stream = { 'ai.usage.inputTokens': 26, 'ai.usage.totalTokens': 43, 'ai.usage.cachedInputTokens': 16 };
    expect(read(sdk('amazon-bedrock', written, stream))?.tokens).toEqual(whole);
    const both = { bedrock: { usage: { cacheReadInputTokens: 16, cacheWriteInputTokens: 8 } } };
    expect(read(sdk('amazon-bedrock', both))?.tokens).toEqual(whole);
    expect(read(sdk('amazon-bedrock', written))).toMatchObject({
      tokens: { input: 34, cacheWrite: 8 },
      incomplete: ['usage_without_cache'],
    });
    expect(read(sdk('amazon-bedrock', {}, { 'ai.model.id': 'meta.llama3' }))).not.toHaveProperty('incomplete');
    const gemini = { promptTokenCount: 42, candidatesTokenCount: 12, thoughtsTokenCount: 5, totalTokenCount: 59 };
    const thinking = { google: { usageMetadata: { ...gemini, cachedContentTokenCount: 16 } } };
    expect(read(sdk('google.generative-ai', thinking))?.tokens).toEqual({
      input: 42,
      output: 17,
      cacheRead: 16,
      reasoning: 5,
    });
  });

  it("of Strands leave out the cache where Anthropic's own API is asked, and in Python say nothing of it", () => {
    const name = 'strands.telemetry.tracer';
    const tokens = { 'gen_ai.usage.input_tokens': 26, 'gen_ai.usage.output_tokens': 17 };
    const asked = (model: string) =>
      read({ ...CALL, ...tokens, 'gen_ai.request.model': model }, {}, { name })?.incomplete ?? [];
    expect(asked('claude-sonnet-4-5')).toContain('usage_without_cache');
    expect(asked('anthropic/claude-sonnet-4-5')).not.toContain('usage_without_cache');
  });

  it.each([
    ['anthropic.claude-sonnet-4-5-20250929-v1:0', true],
    ['us.amazon.nova-pro-v1:0', true],
    ['meta.llama3-3-70b-instruct-v1:0', false],
  ])("of OpenTelemetry's AWS SDKs lack what Bedrock's cache had: %s", (model, isMissing) => {
    for (const name of ['opentelemetry.instrumentation.botocore.bedrock-runtime', 'io.opentelemetry.aws-sdk-2.2']) {
      const call = { ...CALL, 'gen_ai.request.model': model, 'gen_ai.usage.input_tokens': 26 };
      expect(read(call, {}, { name })?.incomplete?.includes('usage_without_cache') ?? false).toBe(isMissing);
    }
  });

  it('of OpenRouter, Sentry and the ADK have names of their own', () => {
    const counts = { ...CALL, 'gen_ai.usage.input_tokens': 50, 'gen_ai.usage.output_tokens': 17 };
    const openrouter = {
      ...counts,
      'gen_ai.usage.input_tokens.cached': 16,
      'gen_ai.usage.input_tokens.cache_write': 8,
      'gen_ai.usage.output_tokens.reasoning': 5,
      'gen_ai.usage.total_cost': 0.0035,
      'gen_ai.prompt': '[{"role":"user","content":"hi"}]',
      'gen_ai.completion': 'yo',
    };
    expect(read(openrouter)).toMatchObject({
      tokens: { ...whole, reasoning: 5 },
      reportedCostUsd: '0.0035',
      input: [{ role: 'user', parts: [{ text: 'hi' }] }],
      output: [{ role: 'assistant', parts: [{ text: 'yo' }] }],
    });
    const adk = { ...counts, 'gen_ai.usage.output_tokens': 12, 'gen_ai.usage.experimental.reasoning_tokens': 5 };
    expect(read(adk)?.tokens).toEqual({ input: 50, output: 17, reasoning: 5 });
  });

  it("of OpenInference for Bedrock in JavaScript are as the model's own, unless there is a total", () => {
    const name = '@arizeai/openinference-instrumentation-bedrock';
    const counts = {
      'openinference.span.kind': 'LLM',
      'llm.token_count.prompt': 26,
      'llm.token_count.completion': 17,
      'llm.token_count.prompt_details.cache_read': 16,
      'llm.token_count.prompt_details.cache_write': 8,
    };
    expect(read(counts, {}, { name })?.tokens).toEqual(whole);
    expect(read({ ...counts, 'llm.token_count.total': 67 }, {}, { name })?.tokens).toEqual(whole);
    expect(read({ ...counts, 'llm.token_count.prompt': 50 })?.tokens).toEqual(whole);
  });

  it("of a Gemini model's thoughts are what only the total has", () => {
    const gemini = {
      ...CALL,
      'gen_ai.usage.input_tokens': 42,
      'gen_ai.usage.output_tokens': 12,
      'llm.usage.total_tokens': 59,
    };
    const name = 'opentelemetry.instrumentation.vertexai';
    expect(read(gemini, {}, { name })?.tokens).toEqual({ input: 42, output: 17, reasoning: 5 });
    expect(read({ ...gemini, 'llm.usage.total_tokens': 54 }, {}, { name })?.tokens).toEqual({ input: 42, output: 12 });
    expect(read(gemini)?.tokens).toEqual({ input: 42, output: 12 });
  });

  const details = (counts: object) => ({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.usage_details': JSON.stringify(counts),
  });

  it("of Langfuse's wrapper for Python are those of OpenAI", () => {
    const chat = {
      prompt_tokens: 42,
      completion_tokens: 17,
      total_tokens: 59,
      prompt_tokens_details: { cached_tokens: 16 },
      completion_tokens_details: { reasoning_tokens: 5 },
    };
    const responses = {
      input_tokens: 42,
      output_tokens: 17,
      total_tokens: 59,
      input_tokens_details: { cached_tokens: 16 },
      output_tokens_details: { reasoning_tokens: 5 },
    };
    for (const counts of [chat, responses]) {
      expect(read(details(counts))?.tokens).toEqual({ input: 42, output: 17, cacheRead: 16, reasoning: 5 });
    }
  });

  it('of LiteLLM are all in its metadata, as Python prints them or as JSON', () => {
    const proxied = { ...CALL, 'gen_ai.usage.input_tokens': 50, 'gen_ai.usage.output_tokens': 17 };
    const printed =
      "{'completion_tokens': 17, 'prompt_tokens': 50, 'total_tokens': 67, 'completion_tokens_details': " +
      "{'reasoning_tokens': 5, 'text_tokens': None}, 'prompt_tokens_details': {'cached_tokens': 16, " +
      "'cache_creation_tokens': 8}, 'service_tier': 'standard', 'cache_hit': True}";
    const json = JSON.stringify({
      prompt_tokens: 50,
      completion_tokens: 17,
      total_tokens: 67,
      completion_tokens_details: { reasoning_tokens: 5 },
      cache_read_input_tokens: 16,
      cache_creation_input_tokens: 8,
    });
    for (const counts of [printed, json]) {
      const attributes = { ...proxied, 'metadata.usage_object': counts };
      expect(read(attributes, {}, { name: 'litellm' })?.tokens).toEqual({ ...whole, reasoning: 5 });
    }
    for (const counts of ['', 'None', "{'speaker': \"it's\"}", `{'x': '${'y'.repeat(9_000)}'}`]) {
      const attributes = { ...proxied, 'metadata.usage_object': counts };
      expect(read(attributes, {}, { name: 'litellm' })?.tokens).toEqual({ input: 50, output: 17 });
    }
  });

  it('that LangChain wrote to a cache are told by how long it keeps them', () => {
    const lives = { cache_creation: 0, ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 3 };
    const langsmith = {
      'langsmith.span.kind': 'llm',
      'langsmith.usage_metadata': JSON.stringify({
        input_tokens: 50,
        output_tokens: 17,
        total_tokens: 67,
        input_token_details: { cache_read: 16, ...lives },
      }),
    };
    expect(read(langsmith)?.tokens).toEqual({ ...whole, parts: { cache_write_1h: 3 } });
    const langfuse = {
      input: 26,
      output: 17,
      total: 67,
      input_cache_read: 16,
      input_cache_creation: 0,
      input_ephemeral_5m_input_tokens: 5,
      input_ephemeral_1h_input_tokens: 3,
    };
    expect(read(details(langfuse))?.tokens).toEqual({ ...whole, parts: { cache_write_1h: 3 } });
  });
});

describe('a message in an event', () => {
  it('is JSON text where only texts fit: Strands', () => {
    const facts = read(CALL, {
      events: [
        event('gen_ai.system.message', { content: '[{"text":"be nice"},{"cachePoint":{"type":"default"}}]' }),
        event('gen_ai.user.message', { content: '[{"text":"hi"}]' }),
        event('gen_ai.choice', {
          finish_reason: 'tool_use',
          message: '[{"text":"a"},{"toolUse":{"toolUseId":"t1","name":"f","input":{"x":1}}}]',
        }),
      ],
    });
    expect(facts?.input).toEqual([
      { role: 'system', parts: [{ type: 'text', text: 'be nice' }] },
      { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
    ]);
    expect(facts?.output).toEqual([
      {
        role: 'assistant',
        parts: [
          { type: 'text', text: 'a' },
          { type: 'tool_call', id: 't1', name: 'f', arguments: { x: 1 } },
        ],
      },
    ]);
    expect(facts?.finishReasons).toEqual(['tool_call']);
  });

  it.each(['[{"a":1}]', '{"text":"hi"}', '["text"]'])('is what was said where it is somebody’s JSON: %s', (content) => {
    const facts = read(CALL, { events: [event('gen_ai.user.message', { content })] });
    expect(facts?.input).toEqual([{ role: 'user', parts: [{ type: 'text', text: content }] }]);
  });

  it('of all details has the instructions too', () => {
    const name = 'gen_ai.client.inference.operation.details';
    const facts = read(CALL, {
      events: [
        event(name, { 'gen_ai.system_instructions': '[{"type":"text","content":"be nice"}]' }),
        event(name, { 'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]' }),
      ],
    });
    expect(facts?.system).toEqual([{ role: 'system', parts: [{ type: 'text', text: 'be nice' }] }]);
    expect(facts?.input).toHaveLength(1);
  });

  it('is a developer’s under a name of its own: Semantic Kernel in .NET', () => {
    const content = '{"role":"developer","content":"be nice","tool_calls":[]}';
    const facts = read(CALL, { events: [event('gen_ai.tool.developer', { 'gen_ai.event.content': content })] });
    expect(facts?.input).toEqual([{ role: 'developer', parts: [{ type: 'text', text: 'be nice' }] }]);
  });

  it('is a content of Gemini, which says whose it is', () => {
    const parts = [{ text: 'a' }, { functionCall: { name: 'f', args: {} } }];
    expect(readLog('gen_ai.user.message', { content: { role: 'model', parts } })?.input).toEqual([
      {
        role: 'assistant',
        parts: [
          { type: 'text', text: 'a' },
          { type: 'tool_call', id: null, name: 'f', arguments: {} },
        ],
      },
    ]);
  });

  it('is the JSON text of a record: Semantic Kernel', () => {
    const body = '{"message":{"role":"assistant","content":"yo"},"finish_reason":"stop"}';
    expect(readLog('gen_ai.choice', body)).toMatchObject({
      output: [{ role: 'assistant', parts: [{ type: 'text', text: 'yo' }] }],
      finishReasons: ['stop'],
    });
  });
});

it('the time to the first token is in seconds, but of Strands in milliseconds', () => {
  const at = (value: number, name: string) =>
    read({ ...CALL, 'gen_ai.server.time_to_first_token': value }, {}, { name })?.firstTokenMs;
  expect(at(0.35, 'openlit.otel.tracing')).toBe(350);
  expect(at(350, 'strands.telemetry.tracer')).toBe(350);
});

it('Mastra embeds as well', () => {
  const embedding = {
    'mastra.span.type': 'rag_embedding',
    'gen_ai.operation.name': 'embeddings',
    'gen_ai.request.model': 'text-embedding-3-small',
    'gen_ai.usage.input_tokens': 9,
    'mastra.rag_embedding.input': '["apple","pear"]',
    'mastra.rag_embedding.output': '{"embeddings":2}',
  };
  expect(read(embedding)).toMatchObject({
    role: 'call',
    operation: 'embeddings',
    tokens: { input: 9 },
    input: [{ role: 'user', parts: [{ text: 'apple' }, { text: 'pear' }] }],
  });
  expect(read(embedding)).not.toHaveProperty('output');
});

it.each(['session_id', 'metadata.sessionId'])('Laminar says in its own words who asked: %s', (key) => {
  const who = { [`lmnr.association.properties.${key}`]: 's1', 'lmnr.association.properties.user_id': 'u1' };
  expect(read({ ...CALL, ...who })).toMatchObject({ role: 'call', conversationId: 's1', userId: 'u1' });
});

it.each(['pydantic_ai', 'claude_agent_sdk', 'google_adk', 'adk', 'strands', 'trpc.go.agent'])(
  '%s provides no model',
  (provider) => {
    expect(read({ ...CALL, 'gen_ai.provider.name': provider })).not.toHaveProperty('provider');
  },
);

it('a second is no response id', () => {
  expect(read({ ...CALL, 'gen_ai.response.id': '1795300000' })).not.toHaveProperty('responseId');
  expect(read({ ...CALL, 'gen_ai.response.id': '17953000001' })?.responseId).toBe('17953000001');
});

describe('LiteLLM', () => {
  it('says what a call cost and for whom', () => {
    const attributes = { ...CALL, 'litellm.cost.total': 0.0001, 'litellm.metadata.user_api_key_user_id': 'u1' };
    expect(read(attributes)).toMatchObject({ reportedCostUsd: '0.0001', userId: 'u1' });
  });
});

it.each(['strands-agents', 'langchain', 'spring_ai', 'agno', 'crewai', 'ag2', 'Unknown'])(
  '%s is nobody who provides a model',
  (system) => {
    expect(read({ ...CALL, 'gen_ai.system': system })).not.toHaveProperty('provider');
  },
);

function readLog(eventName: string, body: unknown) {
  const log: OtlpLog = {
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    timeNanos: 1n,
    eventName,
    severityNumber: 9,
    body: toValue(body),
    attributes: new Map(),
    droppedAttributes: 0,
  };
  return new LogReader().read(RESOURCE, SCOPE, log);
}

/** JSON as it is decoded: objects are maps. */
function toValue(json: unknown): OtlpLog['body'] {
  if (Array.isArray(json)) return json.map(toValue);
  if (typeof json !== 'object' || json === null) return json as string;
  return new Map(Object.entries(json).map(([key, value]) => [key, toValue(value)]));
}
