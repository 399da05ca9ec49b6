/** Several dialects on one span, spans of no dialect, and what a fact owes its reader. */

import { describe, expect, it } from 'vitest';
import { read } from './span.ts';

describe('a span with three dialects at once', () => {
  const attributes = {
    'ai.operationId': 'ai.generateText.doGenerate',
    'ai.model.id': 'gpt-4o-mini',
    'ai.model.provider': 'openai.responses',
    'ai.usage.promptTokens': 42,
    'ai.usage.completionTokens': 17,
    'ai.prompt.messages': '[{"role":"user","content":"hi"}]',
    'gen_ai.system': 'openai.responses',
    'gen_ai.usage.input_tokens': 42,
    'gen_ai.usage.output_tokens': 17,
    'gen_ai.response.id': 'resp_1',
    'openinference.span.kind': 'LLM',
    'llm.token_count.prompt': 42,
    'llm.token_count.completion': 17,
    'llm.token_count.prompt_details.cache_read': 16,
    'llm.input_messages.0.message.role': 'user',
    'llm.input_messages.0.message.content': 'hi',
  };

  it('is read once: the strongest first, the others fill what it leaves open, nothing is summed', () => {
    expect(read(attributes)).toMatchObject({
      role: 'call',
      dialects: ['vercel-ai', 'openinference', 'semconv'],
      provider: 'openai',
      requestModel: 'gpt-4o-mini',
      responseId: 'resp_1',
      tokens: { input: 42, output: 17, cacheRead: 16 },
      input: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
    });
  });

  it('does not depend on the order of its attributes', () => {
    const reversed = Object.fromEntries(Object.entries(attributes).toReversed());
    expect(read(reversed)).toEqual(read(attributes));
  });

  it('is a wrapper if the strongest says so', () => {
    expect(read({ ...attributes, 'ai.operationId': 'ai.generateText' })).toMatchObject({ role: 'wrapper' });
  });
});

describe('a span of no dialect', () => {
  it('is a link to its parent, and nothing without one', () => {
    expect(read({ 'http.request.method': 'GET', metadata: 'x', 'session.id': 's' })).toEqual({
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      recordId: '',
      signal: 'span',
      role: 'link',
      parentSpanId: 'c'.repeat(16),
      startedAt: '2026-11-21T22:26:40.000000001Z',
      dialects: [],
    });
    expect(read({ 'http.request.method': 'GET' }, { parentSpanId: '' })).toBeNull();
  });
});

it.each([
  ['gen_ai.operation.name', 'constructor'],
  ['mlflow.spanType', '"constructor"'],
])('a span whose %s is in no table is no call', (key, value) => {
  expect(read({ [key]: value, 'gen_ai.request.model': 'm', 'gen_ai.system': 'openai' })?.role).toBe('wrapper');
});

describe('every call', () => {
  const call = { 'gen_ai.operation.name': 'chat' };

  it('says who sent it, the most specific instance first', () => {
    expect(read(call)).toMatchObject({ service: 'shop', instance: 'p1', environment: 'prod' });
  });

  it('keeps nanoseconds, and times that no clock can have become the nearest that can be stored', () => {
    expect(read(call)).toMatchObject({
      startedAt: '2026-11-21T22:26:40.000000001Z',
      endedAt: '2026-11-21T22:26:41.000000002Z',
    });
    expect(read(call, { startNanos: 2n ** 64n - 1n, endNanos: 0n })).toMatchObject({
      startedAt: '2105-12-31T23:59:59.999999999Z',
    });
    expect(read(call, { endNanos: 0n })).not.toHaveProperty('endedAt');
  });

  it('says that attributes were dropped', () => {
    expect(read(call, { droppedAttributes: 3 })?.incomplete).toEqual(['attributes_dropped']);
  });

  it.each([
    ['status', {}, { statusCode: 2, statusMessage: 'boom' }, { type: 'error', message: 'boom' }],
    ['error.type', { 'error.type': 'timeout' }, {}, { type: 'timeout', message: '' }],
    ['a status code', { 'http.response.status_code': 429 }, { statusCode: 2 }, { type: '429', message: '' }],
    [
      'an exception although the status is fine',
      {},
      {
        statusCode: 1,
        events: [
          {
            name: 'exception',
            timeNanos: 0n,
            attributes: new Map([
              ['exception.type', 'E'],
              ['exception.message', 'boom'],
            ]),
          },
        ],
      },
      { type: 'E', message: 'boom' },
    ],
  ])('fails by %s', (_what, attributes, rest, error) => {
    expect(read({ ...call, ...attributes }, rest)?.error).toEqual(error);
  });

  it('that answered did not fail by an exception that somebody handled', () => {
    const events = [{ name: 'exception', timeNanos: 0n, attributes: new Map([['exception.type', 'E']]) }];
    expect(read({ ...call, 'gen_ai.usage.output_tokens': 3 }, { events })).not.toHaveProperty('error');
  });
});

describe('cached input that was left out of the input', () => {
  const raw = { input_tokens: 26, output_tokens: 17, cache_creation_input_tokens: 8, cache_read_input_tokens: 16 };
  const whole = { input: 50, output: 17, cacheRead: 16, cacheWrite: 8 };
  const v5 = {
    'ai.operationId': 'ai.generateText.doGenerate',
    'ai.model.provider': 'anthropic.messages',
    'ai.usage.inputTokens': 26,
    'ai.usage.outputTokens': 17,
    'ai.usage.totalTokens': 43,
    'ai.usage.cachedInputTokens': 16,
  };
  const details = (usage: Readonly<Record<string, number>>) => ({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.usage_details': JSON.stringify(usage),
  });
  const mlflow = (usage: Readonly<Record<string, number>>) => ({
    'mlflow.spanType': '"CHAT_MODEL"',
    'mlflow.llm.provider': '"anthropic"',
    'mlflow.chat.tokenUsage': JSON.stringify(usage),
  });
  const genkit = (output: Readonly<Record<string, unknown>>) => ({
    'genkit:metadata:subtype': 'model',
    'genkit:name': 'anthropic/claude-sonnet-4-6',
    'genkit:output': JSON.stringify({ ...output, usage: { inputTokens: 26, outputTokens: 17 } }),
  });

  it.each([
    ['AI SDK 5', { ...v5, 'ai.response.providerMetadata': JSON.stringify({ anthropic: { usage: raw } }) }],
    [
      'AI SDK 4',
      {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.model.provider': 'anthropic.messages',
        'ai.usage.promptTokens': 26,
        'ai.usage.completionTokens': 17,
        'ai.response.providerMetadata': '{"anthropic":{"cacheCreationInputTokens":8,"cacheReadInputTokens":16}}',
      },
    ],
    ['Genkit', genkit({ custom: { usage: raw } })],
    ['MLflow', { ...mlflow(raw), 'mlflow.spanOutputs': JSON.stringify({ type: 'message', usage: raw }) }],
    ["MLflow's hook into the client", { ...mlflow(raw), 'mlflow.message.format': '"anthropic"' }],
    ['MLflow with a total', mlflow({ ...raw, total_tokens: 67 })],
    ['Langfuse', details({ input: 26, output: 17, cache_read_input_tokens: 16, cache_creation_input_tokens: 8 })],
    [
      'Langfuse with a total',
      details({ input: 26, output: 17, total: 67, cache_read_input_tokens: 16, cache_creation_input_tokens: 8 }),
    ],
  ])('is added: %s', (_what, attributes) => {
    expect(read(attributes)?.tokens).toEqual(whole);
    expect(read(attributes)).not.toHaveProperty('incomplete');
  });

  it.each([
    ['AI SDK 5, of written cache', v5, 42],
    ['Genkit', genkit({}), 26],
    ['MLflow', mlflow({ ...raw, total_tokens: 43 }), 26],
    ['Langfuse', details({ input: 26, output: 17, input_cached_tokens: 16 }), 26],
  ])('is missing where nothing tells: %s', (_what, attributes, input) => {
    expect(read(attributes)).toMatchObject({ tokens: { input, output: 17 }, incomplete: ['usage_without_cache'] });
  });

  it('is not added where it is in already', () => {
    const included = {
      ...v5,
      'ai.usage.inputTokens': 50,
      'ai.usage.totalTokens': 67,
      'ai.usage.inputTokenDetails.noCacheTokens': 26,
      'ai.usage.inputTokenDetails.cacheReadTokens': 16,
      'ai.usage.inputTokenDetails.cacheWriteTokens': 8,
    };
    expect(read(included)?.tokens).toEqual(whole);
    expect(read(details({ input: 42, output: 17, total: 59, input_cached_tokens: 16 }))?.tokens?.input).toBe(42);
  });

  it.each([
    [
      'predictions',
      { input: 26, output: 2, total: 59, input_cached_tokens: 16, output_reasoning_tokens: 5 },
      { output_accepted_prediction_tokens: 8, output_rejected_prediction_tokens: 2 },
      [42, 17],
    ],
    [
      'audio',
      { input: 60, output: 30, total: 150, input_cached_tokens: 10 },
      { input_audio_tokens: 30, output_audio_tokens: 20 },
      [100, 50],
    ],
  ])('is added with all that Langfuse takes out beside it: %s', (_what, usage, parts, [input, output]) => {
    expect(read(details({ ...usage, ...parts }))?.tokens).toMatchObject({ input, output });
  });
});

describe('Genkit', () => {
  it('reads answers of plugins that list them', () => {
    const message = { role: 'model', content: [{ text: 'yo' }] };
    const output = { candidates: [{ index: 0, finishReason: 'stop', message }] };
    expect(
      read({ 'genkit:metadata:subtype': 'model', 'genkit:name': 'a/b', 'genkit:output': JSON.stringify(output) }),
    ).toMatchObject({
      output: [{ role: 'assistant', parts: [{ type: 'text', text: 'yo' }] }],
      finishReasons: ['stop'],
    });
  });
});

describe('content that was cut off', () => {
  const asked = '{"messages":[{"role":"user","content":"hello wor';
  const answered = '{"id":"x","choices":[{"message":{"role":"assi';
  const langfuse = { 'langfuse.observation.type': 'generation' };

  it.each([
    [
      'Genkit',
      { 'genkit:metadata:subtype': 'model', 'genkit:name': 'a/b', 'genkit:input': asked, 'genkit:output': answered },
    ],
    ['LangSmith', { 'langsmith.span.kind': 'llm', 'gen_ai.prompt': asked, 'gen_ai.completion': answered }],
    ['MLflow', { 'mlflow.spanType': '"LLM"', 'mlflow.spanInputs': asked, 'mlflow.spanOutputs': answered }],
    ['OpenInference', { 'openinference.span.kind': 'LLM', 'input.value': asked, 'output.value': answered }],
    ['Langfuse', { ...langfuse, 'langfuse.observation.input': asked, 'langfuse.observation.output': answered }],
    ['Mastra', { 'mastra.span.type': 'model_inference', 'mastra.model_inference.output': answered }],
  ])('is kept as it came, and marked: %s', (_what, attributes) => {
    const facts = read(attributes);
    expect(facts).toMatchObject({
      output: [{ role: 'unknown', parts: [{ text: answered }] }],
      incomplete: ['content_truncated'],
    });
    expect(facts?.input?.[0]?.parts[0] ?? { text: asked }).toMatchObject({ text: asked });
  });

  it('is marked for an answer alone', () => {
    const attributes = { ...langfuse, 'langfuse.observation.input': 'hi', 'langfuse.observation.output': answered };
    expect(read(attributes)?.incomplete).toEqual(['content_truncated']);
  });

  it('is marked for instructions alone', () => {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.system_instructions': '[{"type":"text","content":"You',
    };
    expect(read(attributes)?.incomplete).toContain('content_truncated');
  });

  it('is marked in an event', () => {
    const event = { name: 'gen_ai.content.prompt', timeNanos: 0n, attributes: new Map([['gen_ai.prompt', asked]]) };
    expect(read({ 'gen_ai.operation.name': 'chat' }, { events: [event] })?.incomplete).toEqual(['content_truncated']);
  });
});

describe('Langfuse', () => {
  const generation = { 'langfuse.observation.type': 'generation', 'langfuse.observation.output': 'hello' };

  it('tells embeddings by the type, and of its wrapper by the name that it gives', () => {
    expect(read(generation, { name: 'explain-embeddings' })).toMatchObject({
      operation: 'chat',
      output: [{ parts: [{ text: 'hello' }] }],
    });
    expect(read(generation, { name: 'OpenAI.embeddings' })?.operation).toBe('embeddings');
    expect(read({ 'langfuse.observation.type': 'embedding' })?.operation).toBe('embeddings');
  });
});

describe('a finish reason that is in the messages alone', () => {
  const messages = '[{"role":"assistant","parts":[{"type":"text","content":"yo"}],"finish_reason":"end_turn"}]';
  const call = { 'gen_ai.operation.name': 'chat' };

  it('is read, from an attribute and from an event', () => {
    const attributes = new Map([['gen_ai.output.messages', messages]]);
    const event = { name: 'gen_ai.client.inference.operation.details', timeNanos: 0n, attributes };
    expect(read({ ...call, 'gen_ai.output.messages': messages })?.finishReasons).toEqual(['stop']);
    expect(read(call, { events: [event] })?.finishReasons).toEqual(['stop']);
  });

  it('yields to the one beside them', () => {
    const both = { ...call, 'gen_ai.output.messages': messages, 'gen_ai.response.finish_reasons': ['length'] };
    expect(read(both)?.finishReasons).toEqual(['length']);
  });
});

describe('OpenInference', () => {
  const call = { 'openinference.span.kind': 'LLM' };

  it('reads a function call of the time before tools', () => {
    const message = 'llm.output_messages.0.message';
    const attributes = {
      [`${message}.role`]: 'assistant',
      [`${message}.function_call_name`]: 'f',
      [`${message}.function_call_arguments_json`]: '{"a":1}',
    };
    expect(read({ ...call, ...attributes })?.output).toEqual([
      { role: 'assistant', parts: [{ type: 'tool_call', id: null, name: 'f', arguments: { a: 1 } }] },
    ]);
  });

  it('gives a cost of its parts, if it gives no total', () => {
    const parts = { ...call, 'llm.cost.prompt': 0.1, 'llm.cost.completion': 0.2 };
    expect(read(parts)?.reportedCostUsd).toBe('0.3');
    expect(read({ ...parts, 'llm.cost.total': 0.4 })?.reportedCostUsd).toBe('0.4');
    expect(read({ ...call, 'llm.cost.prompt': 0.1 })).not.toHaveProperty('reportedCostUsd');
  });
});

it('reranking is no call', () => {
  const attributes = { 'llm.request.type': 'rerank', 'gen_ai.system': 'Cohere', 'gen_ai.request.model': 'rerank-v3' };
  expect(read(attributes)?.role).toBe('wrapper');
});

it.each([
  ['OpenInference', { 'openinference.span.kind': 'CHAIN' }],
  ['the conventions', { 'gen_ai.operation.name': 'invoke_agent' }],
])('session and user of what is around calls are known, for them to take: %s', (_what, attributes) => {
  expect(read({ ...attributes, 'session.id': 's1', 'user.id': 'u1' })).toMatchObject({
    role: 'wrapper',
    conversationId: 's1',
    userId: 'u1',
  });
});

describe('a response id', () => {
  const answer = '{"id":"INV-2024-001","total":12}';

  it.each([
    ['OpenInference', { 'openinference.span.kind': 'LLM', 'output.value': answer }],
    [
      'OpenInference, of a plain text that looks like a response',
      {
        'openinference.span.kind': 'LLM',
        'output.value': '{"id":"INV-2024-001","choices":[]}',
        'output.mime_type': 'text/plain',
      },
    ],
    ['MLflow', { 'mlflow.spanType': '"LLM"', 'mlflow.spanOutputs': answer }],
  ])('is never taken from what the model answered: %s', (_what, attributes) => {
    expect(read(attributes)).toMatchObject({ role: 'call' });
    expect(read(attributes)).not.toHaveProperty('responseId');
  });
});
