/** What frameworks say of thoughts, and write in place of hidden content. */

import { describe, expect, it } from 'vitest';
import { read } from './span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

it.each(['reasoning', 'thoughts', 'thinking'])('%s in the details of pydantic-ai is a part of the output', (kind) => {
  const counts = { 'gen_ai.usage.output_tokens': 17, [`gen_ai.usage.details.${kind}_tokens`]: 5 };
  expect(read({ ...CALL, ...counts }, {}, { name: 'pydantic-ai' })?.tokens).toEqual({ output: 17, reasoning: 5 });
});

it("what Claude thought is a part of the output, where Anthropic's own words are read", () => {
  const usage = {
    input_tokens: 26,
    output_tokens: 17,
    cache_read_input_tokens: 16,
    cache_creation_input_tokens: 8,
    output_tokens_details: { thinking_tokens: 5 },
  };
  const call = { 'openinference.span.kind': 'LLM', 'output.value': JSON.stringify({ type: 'message', usage }) };
  const scope = { name: '@arizeai/openinference-instrumentation-anthropic', version: '0.1.9' };
  expect(read(call, {}, scope)?.tokens).toEqual({ input: 50, output: 17, cacheRead: 16, cacheWrite: 8, reasoning: 5 });
});

it('what compacting took is left out of the usage of Claude, and paid', () => {
  const usage = {
    input_tokens: 6,
    output_tokens: 7,
    cache_read_input_tokens: 16,
    cache_creation_input_tokens: 8,
    iterations: [
      { type: 'compaction', input_tokens: 20, output_tokens: 10 },
      { type: 'message', input_tokens: 6, output_tokens: 7 },
    ],
  };
  const call = { 'openinference.span.kind': 'LLM', 'output.value': JSON.stringify({ type: 'message', usage }) };
  const scope = { name: '@arizeai/openinference-instrumentation-anthropic', version: '0.1.9' };
  expect(read(call, {}, scope)?.tokens).toEqual({ input: 50, output: 17, cacheRead: 16, cacheWrite: 8 });
});

it.each([
  ['Koog', 'HIDDEN:non-empty'],
  ['Strands', '[REDACTED]'],
])('what %s writes in place of hidden content is no content', (_emitter, standIn) => {
  const facts = read({
    ...CALL,
    'gen_ai.input.messages': standIn,
    'gen_ai.output.messages': standIn,
    'gen_ai.system_instructions': standIn,
    'gen_ai.tool.definitions': standIn,
  });
  expect(facts?.settings).toEqual({ model: 'm' });
  expect([facts?.input ?? [], facts?.output ?? [], facts?.system ?? []]).toEqual([[], [], []]);
});

it('Haystack without content says nothing of calls, and hides none of who does', () => {
  const component = { 'haystack.component.type': 'OpenAIChatGenerator', 'haystack.component.visits': 1 };
  expect(read(component)).toMatchObject({ role: 'wrapper' });
  expect(read({ ...component, 'mlflow.spanType': '"CHAT_MODEL"' })).toMatchObject({ role: 'call' });
});

it("Haystack's generators count as the API does that they ask", () => {
  const reply = (usage: unknown) =>
    JSON.stringify({ replies: [{ role: 'assistant', meta: { model: 'm', usage }, content: [{ text: 'yo' }] }] });
  const tokens = (usage: unknown) => read({ 'haystack.component.output': reply(usage) })?.tokens;
  const gemini = { prompt_tokens: 42, completion_tokens: 12, total_tokens: 59, thoughts_token_count: 5 };
  expect(tokens(gemini)).toEqual({ input: 42, output: 17, reasoning: 5 });
  const bedrock = { prompt_tokens: 26, completion_tokens: 17, total_tokens: 67, cache_read_input_tokens: 24 };
  expect(tokens(bedrock)).toEqual({ input: 50, output: 17, cacheRead: 24 });
});

it("the Agent Framework's Claude counts as who serves it does", () => {
  const tokens = (provider: string, cache: Readonly<Record<string, number>>) =>
    read(
      {
        ...CALL,
        'gen_ai.provider.name': provider,
        'gen_ai.request.model': 'anthropic/claude-sonnet-4-5',
        'gen_ai.usage.input_tokens': 26,
        ...cache,
      },
      {},
      { name: 'agent_framework' },
    );
  const cached = { 'gen_ai.usage.cache_read.input_tokens': 24 };
  expect(tokens('google.vertex.ai', cached)?.tokens).toEqual({ input: 50, cacheRead: 24 });
  expect(tokens('openai', cached)?.tokens).toEqual({ input: 26, cacheRead: 24 });
  expect(tokens('anthropic', {})?.incomplete).toContain('usage_without_cache');
  expect(tokens('openai', {})?.incomplete ?? []).not.toContain('usage_without_cache');
});

it("what Bedrock's total has besides is cached input, and Claude's answer has what an hour keeps: Braintrust in Java", () => {
  const call = (provider: string, metrics: object, answer: unknown) =>
    read({
      'braintrust.span_attributes': '{"type":"llm"}',
      'braintrust.metadata': JSON.stringify({ provider, model: 'm' }),
      'braintrust.metrics': JSON.stringify(metrics),
      'braintrust.output_json': JSON.stringify(answer),
    })?.tokens;
  const bedrock = { prompt_tokens: 26, completion_tokens: 17, tokens: 67 };
  expect(call('bedrock', bedrock, [])).toEqual({ input: 50, output: 17 });
  const usage = {
    input_tokens: 26,
    output_tokens: 17,
    cache_read_input_tokens: 16,
    cache_creation_input_tokens: 8,
    cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 3 },
  };
  const metrics = { prompt_tokens: 26, completion_tokens: 17, tokens: 43, prompt_cached_tokens: 16 };
  expect(call('anthropic', metrics, { type: 'message', usage })).toEqual({
    input: 50,
    output: 17,
    cacheRead: 16,
    cacheWrite: 8,
    parts: { cache_write_1h: 3 },
  });
});

it.each([
  [0.699999988079071, 0.7],
  [0.20000000298023224, 0.2],
  [0.949999988079071, 0.95],
  [0.25, 0.25],
  [0.7, 0.7],
  [1, 1],
  [0.1234567890123, 0.1234567890123],
])('a temperature of single precision, as .NET has it, is what stands in the code: %s', (sent, written) => {
  const settings = read({ ...CALL, 'gen_ai.request.temperature': sent })?.settings;
  expect(settings?.parameters).toEqual({ temperature: written });
});

describe('Pipecat', () => {
  const scope = { name: 'pipecat' };
  const call = (provider: string, counts: Readonly<Record<string, number>>, operation = 'chat') =>
    read({ 'gen_ai.operation.name': operation, 'gen_ai.provider.name': provider, ...counts }, {}, scope)?.tokens;
  const claude = { 'gen_ai.usage.input_tokens': 26, 'gen_ai.usage.output_tokens': 17 };
  const gemini = { 'gen_ai.usage.input_tokens': 42, 'gen_ai.usage.output_tokens': 12 };

  it.each([
    ['cache_read.input_tokens', 'cache_creation.input_tokens', 'reasoning.output_tokens'],
    ['cache_read_input_tokens', 'cache_creation_input_tokens', 'reasoning_tokens'],
  ])('counts as the API does that it asks, by its names of now and then: %s', (cacheRead, cacheWrite, reasoning) => {
    const cache = { [`gen_ai.usage.${cacheRead}`]: 16, [`gen_ai.usage.${cacheWrite}`]: 8 };
    const whole = { input: 50, output: 17, cacheRead: 16, cacheWrite: 8 };
    expect(call('anthropic', { ...claude, ...cache })).toEqual(whole);
    expect(call('aws.bedrock', { ...claude, ...cache })).toEqual(whole);
    const thoughts = { [`gen_ai.usage.${reasoning}`]: 5 };
    expect(call('gcp.gemini', { ...gemini, ...thoughts })).toEqual({ input: 42, output: 17, reasoning: 5 });
  });

  it('had words of its own for the tokens of a realtime answer', () => {
    const counts = { 'tokens.prompt': 42, 'tokens.completion': 17, 'tokens.total': 59 };
    expect(call('openai', counts, 'llm_response')).toEqual({ input: 42, output: 17 });
  });
});

it("AgentOps counts as the API does, without Claude's cache and Gemini's thoughts", () => {
  const counts = (output: number, total: number) => ({
    ...CALL,
    'gen_ai.usage.prompt_tokens': 42,
    'gen_ai.usage.completion_tokens': output,
    'gen_ai.usage.total_tokens': total,
  });
  expect(read(counts(17, 59), {}, { name: 'anthropic' })?.incomplete).toEqual(['usage_without_cache']);
  expect(read(counts(12, 59), {}, { name: 'google-genai' })?.tokens).toEqual({ input: 42, output: 17, reasoning: 5 });
});
