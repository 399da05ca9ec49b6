/** Searches of the web where a provider's own usage is passed on. */

import { describe, expect, it } from 'vitest';
import { type Attributes, read } from './span.ts';

const json = JSON.stringify;
const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
const COUNTS = { 'gen_ai.usage.input_tokens': 42, 'gen_ai.usage.output_tokens': 17 };
const usage = (requests: unknown) => ({
  input_tokens: 42,
  output_tokens: 17,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  server_tool_use: { web_search_requests: requests, web_fetch_requests: 5 },
});
const langchain = (metadata: object) => ({
  'langsmith.span.kind': 'llm',
  'gen_ai.completion': json({
    generations: [
      [
        {
          message: {
            kwargs: { usage_metadata: { input_tokens: 42, output_tokens: 17 }, response_metadata: metadata },
          },
        },
      ],
    ],
  }),
});
const logfire = (requests: unknown) => ({ ...CALL, ...COUNTS, 'gen_ai.usage.raw': json(usage(requests)) });

describe('searches of the web', () => {
  it.each<readonly [string, Attributes]>([
    ['Logfire', logfire(3)],
    [
      'OpenInference',
      {
        'openinference.span.kind': 'LLM',
        'llm.token_count.prompt': 42,
        'llm.token_count.completion': 17,
        'output.value': json({ content: [{ type: 'text', text: '"web_search_requests": 9' }], usage: usage(3) }),
      },
    ],
    [
      'the AI SDK',
      {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.model.provider': 'anthropic.messages',
        'ai.usage.inputTokens': 42,
        'ai.usage.outputTokens': 17,
        'ai.response.providerMetadata': json({ anthropic: { usage: usage(3) } }),
      },
    ],
    ['LangChain, of Anthropic', langchain({ usage: usage(3) })],
    ['LangChain, of Perplexity', langchain({ num_search_queries: 3 })],
  ])('are counted beside the tokens: %s', (_who, attributes) => {
    expect(read(attributes)?.tokens).toMatchObject({ input: 42, output: 17, webSearches: 3 });
  });

  it('are counted of LiteLLM, whoever was asked', () => {
    const counts =
      "{'prompt_tokens': 42, 'completion_tokens': 17, 'prompt_tokens_details': {'web_search_requests': 3}}";
    const attributes = { ...CALL, 'metadata.usage_object': counts };
    expect(read(attributes, {}, { name: 'litellm' })?.tokens).toEqual({ input: 42, output: 17, webSearches: 3 });
  });

  it.each([0, -1, 1.5, '3', null, 1e300])('are none where there is no count of any: %s', (requests) => {
    expect(read(logfire(requests))?.tokens).toEqual({ input: 42, output: 17 });
  });
});
