/** What gateways, model servers and frameworks write where they differ from the conventions, as their sources have it. */

import { describe, expect, it } from 'vitest';
import { type Attributes, event, read } from './span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

it("Cloudflare's AI Gateway names provider and content in its own way", () => {
  const facts = read({
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.model.provider': 'openai',
    'gen_ai.usage.input_tokens': 42,
    'gen_ai.usage.output_tokens': 17,
    'gen_ai.usage.cost': 0.0003,
    'gen_ai.prompt_json': '[{"role":"system","content":"be nice"},{"role":"user","content":"hi"}]',
    'gen_ai.completion_json': '{"id":"chatcmpl-1","choices":[{"message":{"role":"assistant","content":"yo"}}]}',
  });
  expect(facts).toMatchObject({
    role: 'call',
    provider: 'openai',
    tokens: { input: 42, output: 17 },
    reportedCostUsd: '0.0003',
    input: [{ role: 'system' }, { role: 'user', parts: [{ text: 'hi' }] }],
    output: [{ role: 'assistant', parts: [{ text: 'yo' }] }],
  });
});

it("Kong's answer is the response's body in a list", () => {
  const choices = [{ index: 0, message: { role: 'assistant', content: 'yo' }, finish_reason: 'stop' }];
  const body = { id: 'chatcmpl-1', object: 'chat.completion', choices };
  expect(read({ ...CALL, 'gen_ai.output.messages': JSON.stringify([body]) })?.output).toEqual([
    { role: 'assistant', parts: [{ type: 'text', text: 'yo' }] },
  ]);
});

it.each<readonly [string, Attributes]>([
  ['the conventions', CALL],
  ['OpenInference', { 'openinference.span.kind': 'LLM' }],
])('TensorZero says what a call cost, in words of %s', (_whose, attributes) => {
  expect(read({ ...attributes, 'tensorzero.cost_usd': '0.000275' })?.reportedCostUsd).toBe('0.000275');
});

it("Dify's provider stands behind whose plugin it is; it is itself none, and neither is Eino", () => {
  const provider = (name: string) => read({ ...CALL, 'gen_ai.provider.name': name })?.provider;
  expect(provider('langgenius/azure_openai/azure_openai')).toBe('azure.ai.openai');
  expect([provider('eino'), provider('dify')]).toEqual([undefined, undefined]);
});

it('agents and tasks of AgentOps are no calls, though they name a model', () => {
  const named = { 'gen_ai.system': 'crewai', 'gen_ai.request.model': 'gpt-4o' };
  expect(read({ ...named, 'agentops.span.kind': 'agent' })).toMatchObject({ role: 'wrapper', boundary: 'agent' });
  expect(read({ ...named, 'agentops.span.kind': 'llm' })?.role).toBe('call');
  expect(read({ 'agentops.span.kind': 'llm', 'gen_ai.system': 'openai', 'gen_ai.response.model': 'm' })?.role).toBe(
    'call',
  );
});

it('agentgateway says what a call cost and when the first token came', () => {
  const gateway = { ...CALL, 'agw.ai.usage.cost.total': '0.00042', 'agw.ai.time_to_first_token': 0.25 };
  expect(read(gateway)).toMatchObject({ role: 'call', reportedCostUsd: '0.00042', firstTokenMs: 250 });
});

it('vLLM and SGLang say when the first token came', () => {
  const server = {
    'gen_ai.response.model': 'qwen',
    'gen_ai.usage.prompt_tokens': 42,
    'gen_ai.usage.completion_tokens': 17,
    'gen_ai.latency.time_to_first_token': 0.25,
  };
  expect(read(server)).toMatchObject({ role: 'call', firstTokenMs: 250, tokens: { input: 42, output: 17 } });
});

describe('a model server', () => {
  const sequence = (id: string, more: Attributes = {}) =>
    read({ 'gen_ai.request.id': id, 'gen_ai.latency.e2e': 1.5, 'gen_ai.usage.completion_tokens': 17, ...more });

  it.each([
    ['chatcmpl-a-1', 'chatcmpl-a-1', 'chat'],
    ['cmpl-a-0', 'cmpl-a', 'text_completion'],
    ['resp_a_0', 'resp_a', 'chat'],
    // SGLang's.
    ['9f8e7d', '9f8e7d', 'chat'],
  ])('calls its request as it does the response: %s', (id, responseId, operation) => {
    expect(sequence(id)).toMatchObject({ role: 'call', responseId, operation });
  });

  it('makes embeddings where it writes nothing, and judges texts where it scores', () => {
    expect(sequence('embd-a-3', { 'gen_ai.usage.completion_tokens': 0 })).toMatchObject({
      role: 'call',
      operation: 'embeddings',
      responseId: 'embd-a',
    });
    expect(sequence('rerank-a-3', { 'gen_ai.usage.completion_tokens': 0 })?.role).toBe('wrapper');
  });

  it('makes embeddings where it does not say how much it wrote', () => {
    const read9 = { 'gen_ai.request.id': '9f8e7d', 'gen_ai.latency.e2e': 1.5, 'gen_ai.usage.prompt_tokens': 9 };
    expect(read(read9)).toMatchObject({ role: 'call', operation: 'embeddings', responseId: '9f8e7d' });
  });
});

it('Mastra had other names for tokens that came from a cache and went there', () => {
  const counts = {
    ...CALL,
    'mastra.span.type': 'model_generation',
    'gen_ai.usage.input_tokens': 50,
    'gen_ai.usage.output_tokens': 17,
    'gen_ai.usage.cached_input_tokens': 16,
    'gen_ai.usage.cache_write_tokens': 8,
  };
  expect(read(counts)?.tokens).toEqual({ input: 50, output: 17, cacheRead: 16, cacheWrite: 8 });
});

it.each([
  [
    'OpenLIT, before it spoke the conventions',
    'prompt_tokens_details.cache_read',
    'completion_tokens_details.reasoning',
  ],
  [
    'who writes what OpenAI answers',
    'prompt_tokens_details.cached_tokens',
    'completion_tokens_details.reasoning_tokens',
  ],
  ['LiveKit', 'input_cached_tokens', 'reasoning_tokens'],
])('parts of tokens have names of their own: %s', (_who, cached, reasoning) => {
  const counts = {
    ...CALL,
    'gen_ai.usage.input_tokens': 42,
    'gen_ai.usage.output_tokens': 17,
    [`gen_ai.usage.${cached}`]: 16,
    [`gen_ai.usage.${reasoning}`]: 5,
  };
  expect(read(counts)?.tokens).toEqual({ input: 42, output: 17, cacheRead: 16, reasoning: 5 });
});

it('OpenLLMetry for LlamaIndex counts what Anthropic counts as that does', () => {
  const name = 'opentelemetry.instrumentation.llamaindex';
  const counts = {
    ...CALL,
    'gen_ai.usage.input_tokens': 26,
    'gen_ai.usage.output_tokens': 17,
    'gen_ai.usage.total_tokens': 43,
    'gen_ai.usage.cache_read.input_tokens': 16,
  };
  const written = { ...counts, 'gen_ai.usage.cache_creation.input_tokens': 8 };
  expect(read(written, {}, { name })?.tokens).toEqual({ input: 50, output: 17, cacheRead: 16, cacheWrite: 8 });
  expect(read(counts, {}, { name })?.tokens).toEqual({ input: 26, output: 17, cacheRead: 16 });
});

it("OpenLLMetry's agents are no calls, though they name a model and count what all their calls used", () => {
  const agent = {
    'gen_ai.system': 'crewai',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.usage.input_tokens': 420,
    'gen_ai.usage.output_tokens': 170,
  };
  expect(read({ ...agent, 'traceloop.span.kind': 'agent' })).toMatchObject({ role: 'wrapper', boundary: 'agent' });
  expect(read({ ...agent, 'traceloop.span.kind': 'workflow' })?.role).toBe('wrapper');
  expect(read({ ...agent, 'traceloop.span.kind': 'task' })?.role).toBe('call');
});

it('Dify and the instrumentations of Alibaba Cloud name user and session', () => {
  const facts = read({ ...CALL, 'gen_ai.user.id': 'u1', 'gen_ai.session.id': 's1' });
  expect(facts).toMatchObject({ userId: 'u1', conversationId: 's1' });
  expect(read({ ...CALL, 'gen_ai.session.id': 's1', 'gen_ai.conversation.id': 'c1' })?.conversationId).toBe('c1');
});

it('Mastra says when the first token came', () => {
  const inference = { ...CALL, 'mastra.span.type': 'model_inference' };
  const at = (time: string) => read({ ...inference, 'mastra.completion_start_time': time })?.firstTokenMs;
  expect(at(new Date(1_795_300_000_250).toISOString())).toBeCloseTo(250, 1);
  expect(at('2020-01-01T00:00:00.000Z')).toBeUndefined();
  expect(at('soon')).toBeUndefined();
});

it('LiteLLM flattens the tools that it was given, as many as fit', () => {
  const facts = read({
    ...CALL,
    'litellm.request.tools.declared': 2,
    'gen_ai.tool.0.name': 'f',
    'gen_ai.tool.0.description': 'does',
    'gen_ai.tool.0.parameters': '{"type":"object"}',
    'gen_ai.tool.1.name': 'g',
    'gen_ai.tool.1.parameters': '{"type":',
  });
  expect(facts?.settings?.tools).toEqual([
    { name: 'f', description: 'does', parameters: { type: 'object' } },
    { name: 'g', parameters: '{"type":' },
  ]);
});

describe("Google's Agent Development Kit", () => {
  const call = (response: object, more = {}) => ({
    'gen_ai.system': 'gcp.vertex.agent',
    'gen_ai.request.model': 'gemini-2.5-flash',
    'gcp.vertex.agent.llm_request': '{"model":"gemini-2.5-flash","config":{},"contents":[]}',
    'gcp.vertex.agent.llm_response': JSON.stringify(response),
    ...more,
  });

  it('counts what other models count as they do', () => {
    const usage = { prompt_token_count: 42, candidates_token_count: 17, thoughts_token_count: 5 };
    const whole = { usage_metadata: { ...usage, total_token_count: 59 } };
    expect(read(call(whole))?.tokens).toEqual({ input: 42, output: 17, reasoning: 5 });
    expect(read(call({ usage_metadata: usage }))?.tokens).toEqual({ input: 42, output: 22, reasoning: 5 });
  });

  it('tells of errors, and is spelled otherwise in Java', () => {
    const failed = read(call({ error_code: 'SAFETY', error_message: 'blocked' }));
    expect(failed).toMatchObject({ role: 'call', error: { type: 'SAFETY', message: 'blocked' } });
    const java = {
      content: { role: 'model', parts: [{ text: 'yo' }] },
      usageMetadata: { promptTokenCount: 42, candidatesTokenCount: 17 },
      finishReason: 'STOP',
    };
    expect(read(call(java))).toMatchObject({
      tokens: { input: 42, output: 17 },
      output: [{ role: 'assistant', parts: [{ text: 'yo' }] }],
      finishReasons: ['stop'],
    });
  });

  it('has no call in a tool, and is nobody who provides a model', () => {
    const tool = { 'gen_ai.operation.name': 'execute_tool', 'gcp.vertex.agent.llm_request': '{}' };
    expect(read(tool)).toMatchObject({ role: 'wrapper', boundary: 'tool' });
    expect(read(call({}))).not.toHaveProperty('provider');
  });
});

it("what a Gemini model thought is marked in its text's part", () => {
  const content = '[{"text":"hm","thought":true},{"text":"yo"}]';
  const facts = read(CALL, { events: [event('gen_ai.choice', { message: content })] });
  expect(facts?.output).toEqual([
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text: 'yo' },
      ],
    },
  ]);
});

describe('Spring AI, whose attributes are all texts,', () => {
  const SPRING = { name: 'org.springframework.boot', version: '4.0.0' };
  const usage = (system: string, counts: Readonly<Record<string, string>>) => {
    const attributes = Object.entries(counts).map(([name, count]) => [`gen_ai.usage.${name}`, count] as const);
    return read({ ...CALL, 'gen_ai.system': system, ...Object.fromEntries(attributes) }, {}, SPRING)?.tokens;
  };

  it.each([
    ['anthropic', '43'],
    ['bedrock_converse', '67'],
  ])('counts %s as its API does, without cached input', (system, total) => {
    const cache = { 'cache_creation.input_tokens': '8', 'cache_read.input_tokens': '16' };
    expect(usage(system, { input_tokens: '26', output_tokens: '17', total_tokens: total, ...cache })).toEqual({
      input: 50,
      output: 17,
      cacheRead: 16,
      cacheWrite: 8,
    });
  });

  it('counts OpenAI with cached input', () => {
    const counts = { input_tokens: '42', output_tokens: '17', total_tokens: '59', 'cache_read.input_tokens': '16' };
    expect(usage('openai', counts)).toEqual({ input: 42, output: 17, cacheRead: 16 });
  });

  it('counts the thoughts of Gemini in the total only', () => {
    const counts = { input_tokens: '42', output_tokens: '12', total_tokens: '59', 'cache_read.input_tokens': '16' };
    expect(usage('google_genai', counts)).toEqual({ input: 42, output: 17, cacheRead: 16, reasoning: 5 });
  });

  it('has parameters as registered, and no model named none', () => {
    const facts = read({
      ...CALL,
      'gen_ai.response.model': 'none',
      'gen_ai.request.temperature': '0.7',
      'gen_ai.request.max_tokens': '100',
      'gen_ai.request.top_p': '1.0',
      'gen_ai.request.stop_sequences': '["a", "b"]',
      'gen_ai.response.finish_reasons': '["end_turn"]',
    });
    expect(facts?.responseModel).toBeUndefined();
    expect(facts?.finishReasons).toEqual(['stop']);
    expect(facts?.settings).toEqual({
      model: 'm',
      parameters: { temperature: 0.7, max_tokens: 100, top_p: 1, stop_sequences: ['a', 'b'] },
    });
  });

  it('knows the conversation around the call, where the chat client is', () => {
    const client = {
      'gen_ai.operation.name': 'framework',
      'gen_ai.system': 'spring_ai',
      'spring.ai.kind': 'chat_client',
      'spring.ai.chat.client.conversation.id': 'c1',
    };
    expect(read(client)).toMatchObject({ role: 'wrapper', conversationId: 'c1' });
  });
});

it("a call of VS Code's Copilot says what it costs in AI credits; an agent has only their sum", () => {
  const usage = { 'copilot_chat.copilot_usage_nano_aiu': 29_671_890_000, 'gen_ai.request.model': 'm' };
  expect(read({ ...CALL, ...usage, 'gen_ai.provider.name': 'github' })?.reportedCostUsd).toBe('0.2967189');
  expect(read({ ...usage, 'gen_ai.operation.name': 'invoke_agent' })).not.toHaveProperty('reportedCostUsd');
});

it.each<readonly [string, Attributes]>([
  ['llm.content.completion.chunk', { 'llm.request.type': 'chat' }],
  ['gen_ai.content.completion.chunk', {}],
])("the first of OpenLLMetry's chunks is the first token: %s", (name, attributes) => {
  const chunk = (ms: bigint) => ({ ...event(name, {}), timeNanos: 1_795_300_000_000_000_001n + ms * 1_000_000n });
  const facts = read({ ...CALL, ...attributes }, { events: [chunk(250n), chunk(400n)] });
  expect(facts?.firstTokenMs).toBe(250);
});

it("OpenLLMetry's session of a realtime model is no call: its answers are", () => {
  expect(read(CALL, { name: 'openai.session' })?.role).toBe('wrapper');
  expect(read(CALL, { name: 'openai.realtime' })?.role).toBe('call');
});

it('the newest parts of the conventions are what they are: tools of the provider, transcripts, summaries', () => {
  const parts = [
    { type: 'server_tool_call', id: 's1', name: 'web_search', server_tool_call: { query: 'x' } },
    { type: 'server_tool_call_response', id: 's1', server_tool_call_response: { found: 1 } },
    { type: 'blob', modality: 'audio', content: 'aGk=', transcript: 'hello' },
    { type: 'compaction', id: 'c1', content: 'so far' },
    { type: 'compaction', id: 'c2' },
  ];
  const facts = read({ ...CALL, 'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts }]) });
  expect(facts?.output?.[0]?.parts).toEqual([
    { type: 'tool_call', id: 's1', name: 'web_search', arguments: { query: 'x' } },
    { type: 'tool_call_response', id: 's1', result: { found: 1 } },
    { type: 'media', modality: 'audio', reference: 'aGk=' },
    { type: 'text', text: 'hello' },
    { type: 'text', text: 'so far' },
  ]);
});

it("Bifrost's instructions of the responses API are the system's", () => {
  const facts = read({ ...CALL, 'gen_ai.request.instructions': 'be nice' });
  expect(facts?.system).toEqual([{ role: 'system', parts: [{ type: 'text', text: 'be nice' }] }]);
});
