/** How OpenInference's instrumentations count, as their sources have it. */

import { describe, expect, it } from 'vitest';
import { type Attributes, event, read } from './span.ts';

const counts = (input: number, output: number, more: Attributes = {}): Attributes => ({
  'openinference.span.kind': 'LLM',
  'llm.token_count.prompt': input,
  'llm.token_count.completion': output,
  ...more,
});
const BEDROCK = '@arizeai/openinference-instrumentation-bedrock';
const CACHED = { 'llm.token_count.prompt_details.cache_read': 16, 'llm.token_count.prompt_details.cache_write': 8 };

describe('tokens', () => {
  it("of Anthropic's client in JavaScript left out what came from a cache, which the response has", () => {
    const name = '@arizeai/openinference-instrumentation-anthropic';
    const usage = { input_tokens: 26, output_tokens: 17, cache_read_input_tokens: 16, cache_creation_input_tokens: 8 };
    const attributes = counts(26, 17, { 'llm.token_count.total': 43, 'output.value': JSON.stringify({ usage }) });
    expect(read(attributes, {}, { name, version: '0.1.21' })?.tokens).toEqual({
      input: 50,
      output: 17,
      cacheRead: 16,
      cacheWrite: 8,
    });
    const stream = counts(26, 17, { 'llm.token_count.total': 43, 'output.value': 'Hello.' });
    expect(read(stream, {}, { name, version: '0.1.21' })).toMatchObject({
      tokens: { input: 26, output: 17 },
      incomplete: ['usage_without_cache'],
    });
    expect(read(stream, {}, { name, version: '0.2.8' })).not.toHaveProperty('incomplete');
  });

  it("of Bedrock's client in JavaScript are all of the total, where no part is told", () => {
    const name = '@arizeai/openinference-instrumentation-bedrock';
    const total = { 'llm.token_count.total': 67 };
    expect(read(counts(26, 17, total), {}, { name })?.tokens).toEqual({ input: 50, output: 17 });
    expect(read(counts(50, 17, total), {}, { name })?.tokens).toEqual({ input: 50, output: 17 });
    expect(read(counts(26, 17, total))?.tokens).toEqual({ input: 26, output: 17 });
  });

  it('of Agno leave out what came from a cache where Claude is asked itself', () => {
    const agno = (provider: string, model: string, input: number) =>
      read(
        counts(input, 17, { ...CACHED, 'llm.provider': provider, 'llm.model_name': model }),
        {},
        { name: 'openinference.instrumentation.agno' },
      )?.tokens?.input;
    expect(agno('Anthropic', 'claude-sonnet-4-5', 26)).toBe(50);
    expect(agno('VertexAI', 'claude-sonnet-4-5@20250929', 26)).toBe(50);
    expect(agno('OpenRouter', 'anthropic/claude-sonnet-4.5', 50)).toBe(50);
    expect(agno('OpenAI', 'gpt-4o', 50)).toBe(50);
  });

  it.each(['openinference.instrumentation.vertexai', 'openinference.instrumentation.llama_index'])(
    'of %s have thoughts only in the total',
    (name) => {
      const thinking = counts(42, 12, { 'llm.token_count.total': 59 });
      expect(read(thinking, {}, { name })?.tokens).toEqual({ input: 42, output: 17, reasoning: 5 });
      expect(read(counts(42, 12), {}, { name })?.tokens).toEqual({ input: 42, output: 12 });
      expect(read(thinking)?.tokens).toEqual({ input: 42, output: 12 });
    },
  );
});

it("Envoy's AI Gateway has another name for what was written to a cache, and as Python's streams an event for the first token", () => {
  const facts = read(
    {
      'openinference.span.kind': 'LLM',
      'llm.system': 'anthropic',
      'llm.model_name': 'claude',
      'llm.token_count.prompt': 50,
      'llm.token_count.prompt_details.cache_read': 16,
      'llm.token_count.prompt_details.cache_creation': 8,
      'llm.token_count.completion': 17,
      'llm.token_count.total': 67,
    },
    { events: [{ ...event('First Token Stream Event', {}), timeNanos: 1_795_300_000_250_000_001n }] },
  );
  expect(facts).toMatchObject({
    firstTokenMs: 250,
    tokens: { input: 50, output: 17, cacheRead: 16, cacheWrite: 8 },
  });
});

it('what Envoy counts beforehand is no call', () => {
  const counting = {
    'openinference.span.kind': 'TOKEN_COUNTER',
    'llm.model_name': 'claude',
    'llm.token_count.prompt': 50,
  };
  expect(read(counting)).toMatchObject({ role: 'wrapper' });
});

it.each([
  ['stt', 'other'],
  ['tts', 'other'],
  ['llm', 'chat'],
])("Pipecat's service of the kind %s is asked for %s", (type, operation) => {
  expect(read({ ...counts(9, 1), 'service.type': type })).toMatchObject({ role: 'call', operation });
});

describe('the model', () => {
  it("of Bedrock's client in JavaScript is in the request, or the answer, where only its maker is named", () => {
    const named = (model: string, more: Attributes) =>
      read(counts(26, 17, { 'llm.model_name': model, ...more }), {}, { name: BEDROCK })?.requestModel;
    const id = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0';
    expect(named('anthropic', { 'input.value': JSON.stringify({ modelId: id, messages: [] }) })).toBe(id);
    const answer = { 'input.value': '{"messages":[]}', 'output.value': '{"model":"claude-sonnet-4-5-20250929"}' };
    expect(named('anthropic', answer)).toBe('claude-sonnet-4-5-20250929');
    expect(named('claude-sonnet-4-5-20250929-v1:0', answer)).toBe('claude-sonnet-4-5-20250929-v1:0');
  });

  it("of LangChain's Gemini is in the metadata, and its thoughts are in the total only", () => {
    const metadata = JSON.stringify({ ls_provider: 'google_genai', ls_model_name: 'gemini-2.5-flash' });
    const facts = read(counts(42, 12, { 'llm.token_count.total': 59, metadata }));
    expect(facts).toMatchObject({ provider: 'google_genai', requestModel: 'gemini-2.5-flash' });
    expect(facts?.tokens).toEqual({ input: 42, output: 17, reasoning: 5 });
  });
});

describe("Claude's Agent SDK", () => {
  const query = {
    'openinference.span.kind': 'AGENT',
    'llm.model_name': 'claude-sonnet-4-5',
    'input.value': 'hi',
    'output.value': 'yo',
    'output.mime_type': 'text/plain',
    'llm.token_count.prompt': 26,
    'llm.token_count.completion': 17,
    'llm.token_count.total': 43,
    'llm.cost.total': 0.02,
  };
  const cache = {
    'llm.token_count.prompt_details.cache_read': 16,
    'llm.token_count.prompt_details.cache_write': 8,
  };

  it('has the sums of a query and no calls: in Python with its cache', () => {
    const facts = read({ ...query, ...cache }, {}, { name: 'openinference.instrumentation.claude_agent_sdk' });
    expect(facts).toMatchObject({ role: 'call', operation: 'chat', requestModel: 'claude-sonnet-4-5' });
    expect(facts?.tokens).toEqual({ input: 50, output: 17, cacheRead: 16, cacheWrite: 8 });
    expect(facts?.reportedCostUsd).toBe('0.02');
    expect(facts?.output).toEqual([{ role: 'assistant', parts: [{ type: 'text', text: 'yo' }] }]);
  });

  it('leaves out what came from a cache in JavaScript, so that only the reported cost is true', () => {
    const facts = read(query, {}, { name: '@arizeai/openinference-instrumentation-claude-agent-sdk' });
    expect(facts?.tokens).toEqual({ output: 17 });
    expect(facts?.incomplete).toEqual(['usage_without_cache']);
  });

  it('is around calls where it counted nothing, as agents of others are', () => {
    const { 'llm.token_count.completion': _output, ...asked } = query;
    expect(read(asked, {}, { name: 'openinference.instrumentation.claude_agent_sdk' })?.role).toBe('wrapper');
    expect(read({ ...query, ...cache }, {}, { name: 'openinference.instrumentation.agno' })?.role).toBe('wrapper');
  });
});
