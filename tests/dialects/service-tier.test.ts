/** Under which tier a call was served, where an emitter or the provider's own answer says so. */

import { describe, expect, it } from 'vitest';
import { type Attributes, read } from './span.ts';

const json = JSON.stringify;
const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
const chat = (tier: string, said = 'hi') => ({
  id: 'chatcmpl-123456',
  object: 'chat.completion',
  service_tier: tier,
  choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' }],
});
const OPENINFERENCE = { 'openinference.span.kind': 'LLM', 'output.mime_type': 'application/json' };

describe('the tier of service', () => {
  it.each<readonly [string, Attributes]>([
    ['the conventions', { ...CALL, 'openai.response.service_tier': 'flex', 'openai.request.service_tier': 'auto' }],
    ['their older form', { ...CALL, 'gen_ai.openai.response.service_tier': 'FLEX' }],
    ['a wish that nobody answered', { ...CALL, 'gen_ai.openai.request.service_tier': 'flex' }],
    ['OpenInference', { ...OPENINFERENCE, 'output.value': json(chat('flex', 'say "service_tier":"priority"')) }],
    ['LangSmith', { 'langsmith.span.kind': 'llm', 'gen_ai.completion': json(chat('flex')) }],
    [
      'LangChain',
      {
        'langsmith.span.kind': 'llm',
        'gen_ai.completion': json({
          generations: [[{ message: { kwargs: { content: 'hi', response_metadata: { service_tier: 'flex' } } } }]],
        }),
      },
    ],
    ['Logfire', { ...CALL, 'gen_ai.usage.raw': json({ input_tokens: 1, service_tier: 'flex' }) }],
    [
      'the AI SDK',
      {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.response.providerMetadata': json({ openai: { responseId: 'resp_1', serviceTier: 'flex' } }),
      },
    ],
    ['LiteLLM', { ...CALL, 'metadata.usage_object': "{'prompt_tokens': 42, 'service_tier': 'flex'}" }],
  ])('is read: %s', (_who, attributes) => {
    expect(read(attributes)?.serviceTier).toBe('flex');
  });

  it.each<readonly [string, Attributes]>([
    ['what the model itself says', { ...OPENINFERENCE, 'output.value': json({ service_tier: 'flex' }) }],
    [
      'what the model says of Python',
      { ...OPENINFERENCE, 'output.value': json({ ...chat('', "pass {'service_tier': 'flex'}"), service_tier: null }) },
    ],
    ['the account says which', { ...CALL, 'openai.request.service_tier': 'auto' }],
    ['no text', { ...CALL, 'gen_ai.usage.raw': json({ service_tier: null }) }],
    ['an agent', { 'gen_ai.operation.name': 'invoke_agent', 'openai.response.service_tier': 'flex' }],
  ])('is not: %s', (_who, attributes) => {
    expect(read(attributes)?.serviceTier).toBeUndefined();
  });

  it('is what was got, and not what was wished for', () => {
    const attributes = { 'openai.request.service_tier': 'priority', 'openai.response.service_tier': 'default' };
    expect(read({ ...CALL, ...attributes })?.serviceTier).toBe('default');
  });
});
