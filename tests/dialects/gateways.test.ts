/** What gateways, model servers and frameworks write where they differ from the conventions, as their sources have it. */

import { describe, expect, it } from 'vitest';
import { event, read } from './span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

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
