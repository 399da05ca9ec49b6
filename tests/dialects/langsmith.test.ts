/** LangChain traced by LangSmith's SDK: what its exporter makes of a run whose answer is LangChain's. */

import { describe, expect, it } from 'vitest';
import { read } from './span.ts';

interface Answer {
  readonly usage: unknown;
  readonly metadata: unknown;
}

function run(provider: string, counts: readonly [number, number], { usage, metadata }: Answer) {
  const message = {
    lc: 1,
    type: 'constructor',
    id: ['langchain', 'schema', 'messages', 'AIMessage'],
    kwargs: { content: 'yo', type: 'ai', id: 'lc_run--1', usage_metadata: usage, response_metadata: metadata },
  };
  return read({
    'langsmith.span.kind': 'llm',
    'langsmith.trace.name': 'ChatModel',
    'gen_ai.operation.name': 'chat',
    'gen_ai.system': 'langchain',
    'gen_ai.request.model': 'm',
    'langsmith.metadata.ls_provider': provider,
    'gen_ai.prompt': JSON.stringify({
      messages: [
        [
          {
            lc: 1,
            type: 'constructor',
            id: ['langchain', 'schema', 'messages', 'HumanMessage'],
            kwargs: { content: 'hi', type: 'human' },
          },
        ],
      ],
    }),
    'gen_ai.completion': JSON.stringify({
      generations: [[{ text: 'yo', type: 'ChatGeneration', generation_info: null, message }]],
      llm_output: null,
      run: null,
      type: 'LLMResult',
    }),
    'gen_ai.usage.input_tokens': counts[0],
    'gen_ai.usage.output_tokens': counts[1],
    'gen_ai.usage.total_tokens': counts[0] + counts[1],
  });
}

it("Anthropic's client that was wrapped has its reason in the answer only", () => {
  const answer = { role: 'assistant', content: [{ type: 'text', text: 'yo' }], stop_reason: 'max_tokens' };
  const facts = read({ 'langsmith.span.kind': 'llm', 'gen_ai.completion': JSON.stringify(answer) });
  expect(facts?.finishReasons).toEqual(['length']);
});

describe('of LangChain', () => {
  it('Anthropic has the parts of its tokens, its reason, model and id in the answer only', () => {
    const facts = run('anthropic', [50, 17], {
      usage: {
        input_tokens: 50,
        output_tokens: 17,
        total_tokens: 67,
        input_token_details: {
          cache_read: 16,
          cache_creation: 0,
          ephemeral_5m_input_tokens: 5,
          ephemeral_1h_input_tokens: 3,
        },
      },
      metadata: { id: 'msg_0123', model_name: 'claude-x-1', stop_reason: 'end_turn' },
    });
    expect(facts).toMatchObject({
      role: 'call',
      provider: 'anthropic',
      responseModel: 'claude-x-1',
      responseId: 'msg_0123',
      finishReasons: ['stop'],
      input: [{ role: 'user', parts: [{ text: 'hi' }] }],
      output: [{ role: 'assistant', parts: [{ text: 'yo' }] }],
    });
    expect(facts?.tokens).toEqual({
      input: 50,
      output: 17,
      cacheRead: 16,
      cacheWrite: 8,
      parts: { cache_write_1h: 3 },
    });
  });

  it('OpenAI has reasoning in the answer only', () => {
    const usage = {
      input_tokens: 42,
      output_tokens: 17,
      total_tokens: 59,
      input_token_details: { audio: 0, cache_read: 16 },
      output_token_details: { audio: 0, reasoning: 5 },
    };
    const facts = run('openai', [42, 17], { usage, metadata: { id: 'chatcmpl-1', finish_reason: 'stop' } });
    expect(facts?.tokens).toMatchObject({ input: 42, output: 17, cacheRead: 16, reasoning: 5 });
    expect(facts?.responseId).toBe('chatcmpl-1');
  });

  it.each(['priority', 'flex'])("OpenAI's parts have the tier before their names: %s", (tier) => {
    const usage = {
      input_tokens: 42,
      output_tokens: 17,
      total_tokens: 59,
      input_token_details: { audio: null, [`${tier}_cache_read`]: 16, [tier]: 26 },
      output_token_details: { audio: null, [`${tier}_reasoning`]: 5, [tier]: 12 },
    };
    const whole = { input: 42, output: 17, cacheRead: 16, reasoning: 5 };
    expect(run('openai', [42, 17], { usage, metadata: {} })?.tokens).toEqual(whole);
    // Langfuse's handler takes every part out of the whole.
    const flat = {
      input: 0,
      [`input_${tier}_cache_read`]: 16,
      [`input_${tier}`]: 26,
      output: 0,
      [`output_${tier}_reasoning`]: 5,
      [`output_${tier}`]: 12,
      total: 59,
    };
    const langfuse = {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.usage_details': JSON.stringify(flat),
    };
    expect(read(langfuse)?.tokens).toEqual(whole);
  });

  it('Perplexity counts reasoning beside the output', () => {
    const usage = {
      input_tokens: 19,
      output_tokens: 498,
      total_tokens: 517,
      output_token_details: { reasoning: 95_305, citation_tokens: 10_175 },
    };
    expect(run('perplexity', [19, 498], { usage, metadata: {} })?.tokens).toEqual({
      input: 19,
      output: 95_803,
      reasoning: 95_305,
    });
  });

  it("Gemini's thoughts are, in JavaScript, in the answer's total only", () => {
    const usage = { input_tokens: 42, output_tokens: 12, total_tokens: 59, input_token_details: { cache_read: 16 } };
    const facts = run('google_genai', [42, 12], { usage, metadata: { finishReason: 'STOP' } });
    expect(facts?.tokens).toEqual({ input: 42, output: 17, cacheRead: 16, reasoning: 5 });
    expect(facts?.finishReasons).toEqual(['stop']);
  });
});
