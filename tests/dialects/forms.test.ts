/** The forms in which messages, parts, tokens and names are written, table by table. */

import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/contract/prompt.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { messagesOf, readMessages } from '../../src/dialects/messages.ts';
import { dollars, finishReason, providerName, roleName } from '../../src/dialects/names.ts';
import { responseIdIn } from '../../src/dialects/response-id.ts';
import { readTool } from '../../src/dialects/tools.ts';
import { tokenUsage } from '../../src/dialects/usage.ts';
import { describeMessages } from './describe.ts';

const lines = (json: Json, role = 'user'): unknown => describeMessages(readMessages(json, role));

describe('messages', () => {
  // `describe.ts` shows the first 23 characters of a reference.
  const image = (reference: string): string => `user: (image) ${reference.slice(0, 23)}`;
  const forms: readonly (readonly [string, Json, readonly string[]])[] = [
    ['a bare text', 'hi', ['user: hi']],
    ['texts', ['apple', 'pear'], ['user: apple', 'user: pear']],
    ['OpenTelemetry parts', [{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }], ['user: hi']],
    [
      'OpenAI chat with tools',
      [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: '{"b":2}' },
      ],
      ['assistant: (call c1) f({"a":1})', 'tool: (answer c1) {"b":2}'],
    ],
    [
      'OpenAI responses items',
      [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
        { type: 'function_call', id: 'fc1', call_id: 'c1', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'done' },
      ],
      ['user: hi', 'assistant: (reasoning) hm', 'assistant: (call c1) f({})', 'tool: (answer c1) "done"'],
    ],
    [
      'an OpenAI chat response',
      {
        id: 'x',
        object: 'chat.completion',
        choices: [{ message: { role: 'assistant', content: 'a' } }, { message: { role: 'assistant', content: 'b' } }],
      },
      ['assistant: a', 'assistant: b'],
    ],
    [
      'an OpenAI responses response, which repeats its instructions',
      {
        id: 'x',
        object: 'response',
        instructions: 'be nice',
        output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] }],
      },
      ['assistant: a'],
    ],
    ['an old completion', { object: 'text_completion', choices: [{ text: 'a' }] }, ['assistant: a']],
    [
      'a request with instructions',
      { model: 'm', instructions: 'be nice', input: 'hi' },
      ['system: be nice', 'user: hi'],
    ],
    [
      'an Anthropic request with system blocks',
      { system: [{ type: 'text', text: 'be nice' }], messages: [{ role: 'user', content: 'hi' }] },
      ['system: be nice', 'user: hi'],
    ],
    [
      'Anthropic blocks',
      [
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm' },
            { type: 'text', text: 'a' },
            { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } },
          ],
        },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: '19C' }] }],
        },
      ],
      ['assistant: (reasoning) hm', 'assistant: a', 'assistant: (call t1) f({"a":1})', 'tool: (answer t1) "19C"'],
    ],
    [
      'AI SDK parts',
      [
        { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 't1', toolName: 'f', input: { a: 1 } }] },
        {
          role: 'tool',
          content: [
            { type: 'tool-result', toolCallId: 't1', toolName: 'f', output: { type: 'json', value: { b: 2 } } },
          ],
        },
      ],
      ['assistant: (call t1) f({"a":1})', 'tool: (answer t1) {"b":2}'],
    ],
    [
      'Gemini contents',
      {
        systemInstruction: { parts: [{ text: 'be nice' }] },
        contents: [
          { role: 'user', parts: [{ text: 'hi' }] },
          { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] },
        ],
      },
      ['system: be nice', 'user: hi', 'assistant: (call null) f({})'],
    ],
    ['a Gemini response', { candidates: [{ content: { role: 'model', parts: [{ text: 'a' }] } }] }, ['assistant: a']],
    [
      'Genkit parts',
      {
        messages: [
          { role: 'model', content: [{ toolRequest: { ref: 'r1', name: 'f', input: 1 } }] },
          { role: 'tool', content: [{ toolResponse: { ref: 'r1', name: 'f', output: 2 } }] },
        ],
      },
      ['assistant: (call r1) f(1)', 'tool: (answer r1) 2'],
    ],
    [
      'serialised LangChain messages',
      {
        messages: [
          [
            {
              lc: 1,
              type: 'constructor',
              id: ['langchain_core', 'messages', 'SystemMessage'],
              kwargs: { content: 'be nice' },
            },
            { lc: 1, type: 'constructor', id: ['x', 'HumanMessage'], kwargs: { content: 'hi' } },
          ],
        ],
      },
      ['system: be nice', 'user: hi'],
    ],
    [
      'short LangChain messages',
      [
        { type: 'human', content: 'hi' },
        { type: 'ai', content: 'a' },
      ],
      ['user: hi', 'assistant: a'],
    ],
    [
      'LangChain generations',
      {
        generations: [
          [{ text: 'a', message: { lc: 1, type: 'constructor', id: ['x', 'AIMessage'], kwargs: { content: 'a' } } }],
        ],
      },
      ['assistant: a'],
    ],
    [
      'images of every kind',
      [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
            { type: 'input_image', image_url: 'https://example.com/a.png' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'x'.repeat(200) } },
            { type: 'uri', modality: 'image', uri: 'https://example.com/b.png' },
          ],
        },
      ],
      [
        image(sha256('data:image/png;base64,iVBORw0KGgo=')),
        image('https://example.com/a.png'),
        image(sha256('x'.repeat(200))),
        image('https://example.com/b.png'),
      ],
    ],
    [
      "Gemini's and Bedrock's bytes, which are never kept",
      [
        {
          role: 'user',
          parts: [{ text: 'look' }, { inline_data: { mime_type: 'image/png', data: 'A'.repeat(300) } }],
        },
        { role: 'user', content: [{ image: { format: 'png', source: { bytes: 'B'.repeat(300) } } }] },
        { role: 'user', content: [{ image: { format: 'png', source: { bytes: { '0': 137, '1': 80 } } } }] },
      ],
      [
        'user: look',
        image(sha256('A'.repeat(300))),
        image(sha256(`data:{"bytes":"${'B'.repeat(300)}"}`)),
        image(sha256('data:{"bytes":{"0":137,"1":80}}')),
      ],
    ],
    [
      'Bedrock tools',
      [
        { role: 'assistant', content: [{ toolUse: { toolUseId: 't1', name: 'f', input: { a: 1 } } }] },
        { role: 'user', content: [{ toolResult: { toolUseId: 't1', content: [{ json: { b: 2 } }] } }] },
      ],
      ['assistant: (call t1) f({"a":1})', 'tool: (answer t1) [{"json":{"b":2}}]'],
    ],
    [
      'a text that is the list of its blocks, of LangChain',
      [
        {
          role: 'assistant',
          parts: [
            {
              type: 'text',
              content: [
                { type: 'thinking', thinking: 'hm' },
                { type: 'text', text: 'hi' },
              ],
            },
          ],
        },
      ],
      ['assistant: (reasoning) hm', 'assistant: hi'],
    ],
    [
      "a text with what is noted about it, of OpenAI's agents",
      [{ role: 'user', content: [{ type: 'text', text: { value: 'hi', annotations: [] } }] }],
      ['user: hi'],
    ],
    ['a message without content', [{ role: 'user', content: null }], []],
    ['an empty object', {}, []],
    ["somebody's own data", { question: 'why?' }, ['user: {"question":"why?"}']],
  ];

  it.each(forms)('as %s', (_what, json, expected) => {
    expect(lines(json)).toEqual(expected);
  });

  it('keep a text that only looks like JSON, and one that was cut off', () => {
    expect(messagesOf('{not json', 'user')?.messages).toEqual([
      { role: 'user', parts: [{ type: 'text', text: '{not json' }] },
    ]);
    expect(messagesOf('[{"role":"user","content":"hel', 'user')).toMatchObject({
      messages: [{ role: 'unknown', parts: [{ type: 'text', text: '[{"role":"user","content":"hel' }] }],
      isTruncated: true,
    });
  });

  it.each([
    '{{name}} is this jinja?',
    '{"a":1} is this valid JSON?',
    '["a", "b"]: which one?',
    '{"a": NaN}',
    String.raw`{"a":"} \\"} and so on`,
  ])('are what was said where nothing was cut off: %s', (text) => {
    expect(messagesOf(text, 'user')).toMatchObject({
      messages: [{ role: 'user', parts: [{ type: 'text', text }] }],
      isTruncated: false,
    });
  });

  it.each(['{', '[', '[{"role":"user","content":"a } or ]', String.raw`{"a":"\"}`, '{"a":{"b":1}'])(
    'are marked where they were: %s',
    (text) => {
      expect(messagesOf(text, 'user')?.isTruncated).toBe(true);
    },
  );

  it.each([
    { input: 'refund please', category: 'billing' },
    { messages: [{ role: 'user', content: 'hi' }], n: 1 },
    { prompt: 'a cat', size: 3 },
    { instructions: 'stir' },
    { question: 'capital?', choices: ['Paris', 'Rome'] },
    { candidates: ['Ann', 'Bob'] },
  ])('of a model are not read as a request or a response: %j', (answer) => {
    expect(lines(answer, 'assistant')).toEqual([`assistant: ${JSON.stringify(answer)}`]);
  });

  it('that are absurdly deep are kept as text', () => {
    const deep = `${'['.repeat(5_000)}1${']'.repeat(5_000)}`;
    expect(messagesOf(deep, 'user')?.messages[0]?.parts[0]).toEqual({ type: 'text', text: deep });
  });
});

describe('tokens', () => {
  it.each([
    ['inclusive, as the total says', { input: 42, output: 17, cacheRead: 16, reasoning: 5, total: 59 }, [42, 17]],
    ['cached input apart', { input: 26, output: 17, cacheRead: 16, total: 59 }, [42, 17]],
    ['reasoning apart', { input: 42, output: 12, reasoning: 5, total: 59 }, [42, 17]],
    ['everything apart', { input: 26, output: 12, cacheRead: 16, reasoning: 5, total: 59 }, [42, 17]],
    [
      'known to be apart, though a total hides it',
      { input: 26, output: 17, cacheRead: 16, cacheWrite: 8, total: 43, excludesCache: true },
      [50, 17],
    ],
    ['apart, because a part can not be larger than the whole', { input: 2, output: 17, cacheRead: 16 }, [18, 17]],
    ['reasoning apart, because a part can not be larger than the whole', { input: 2, output: 3, reasoning: 5 }, [2, 8]],
    ['only output, without its reasoning', { output: 3, reasoning: 5 }, [undefined, 8]],
    ['a total that fits nothing', { input: 42, output: 17, cacheRead: 16, total: 1_000 }, [42, 17]],
    ['only output', { output: 17 }, [undefined, 17]],
  ] as const)('%s', (_what, raw, [input, output]) => {
    const usage = tokenUsage(raw);
    expect([usage?.input, usage?.output]).toEqual([input, output]);
  });

  it('that are no counts were not reported', () => {
    expect(tokenUsage({ input: -1, output: 1.5 })).toBeUndefined();
    expect(tokenUsage({ input: 2 ** 63, output: 17 })).toEqual({ output: 17 });
    expect(tokenUsage({})).toBeUndefined();
    expect(tokenUsage({ input: 0, output: 0 })).toEqual({ input: 0, output: 0 });
  });
});

describe('names', () => {
  it.each([
    ['OpenAI', 'openai'],
    ['openai.responses', 'openai'],
    ['azure.chat', 'azure'],
    ['google.generative-ai', 'google'],
    ['aws.bedrock', 'aws.bedrock'],
    ['az.ai.inference', 'azure.ai.inference'],
    ['OPEN_AI', 'openai'],
    ['azure_open_ai', 'azure.ai.openai'],
    ['azure_openai', 'azure.ai.openai'],
    ['amazon_bedrock', 'aws.bedrock'],
    ['microsoft_foundry', 'microsoft.foundry'],
  ])('of the provider %s: %s', (raw, name) => {
    expect(providerName(raw)).toBe(name);
  });

  it('of finish reasons are those of the conventions', () => {
    expect(
      ['tool_calls', 'tool-calls', 'tool_use', 'end_turn', 'STOP', 'max_tokens', 'pause'].map(finishReason),
    ).toEqual(['tool_call', 'tool_call', 'tool_call', 'stop', 'stop', 'length', 'pause']);
  });

  it.each([
    ['toolUse', 'tool_call', 'Strands'],
    ['maxTokens', 'length', 'Strands'],
    ['guardrail_intervened', 'content_filter', 'Bedrock'],
    ['ContentFilter', 'content_filter', 'Semantic Kernel'],
    ['FinishReason.PROHIBITED_CONTENT', 'content_filter', 'Gemini'],
    ['COMPLETE', 'stop', 'Cohere'],
  ])('of finish reasons are the same in any spelling: %s is %s, of %s', (raw, reason) => {
    expect(finishReason(raw)).toBe(reason);
  });

  it.each(['constructor', 'toString', '__proto__'])('are what was written, even %s', (raw) => {
    const name = raw.toLowerCase();
    expect([providerName(raw), finishReason(raw), roleName(raw)]).toEqual([name, name, name]);
  });

  it('of money have no exponent, and nothing is not free', () => {
    expect([1.65e-5, 1e-7, 0.25, 12, 1.5e21, 0, -1, Number.NaN, undefined].map(dollars)).toEqual([
      '0.0000165',
      '0.0000001',
      '0.25',
      '12',
      '1500000000000000000000',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('a response id inside a raw response', () => {
  it.each([
    ['{"id":"chatcmpl_test1","object":"chat.completion"}', 'chatcmpl_test1'],
    ['[{"id":"chatcmpl-9","choices":[]}]', 'chatcmpl-9'],
    ['{ "id": "0193-abc-def", "choices": [] }', '0193-abc-def'],
    ['{"id":"msg_test1","type":"message","role":"assistant"}', 'msg_test1'],
    ['{"generations":[[{"message":{"kwargs":{"id":"resp_1","content":"x"}}}]]}', 'resp_1'],
    // Somebody quotes an id: that is no id.
    [String.raw`{"text":"\"id\":\"chatcmpl-1\""}`, undefined],
    ['{"items":[{"id":"customer-17"}]}', undefined],
    // The model was asked for JSON, and what it answers has ids of its own.
    ['{"id":"INV-2024-001","total":12}', undefined],
    ['{"mails":[{"id":"msg-17","object":"invoice"}]}', undefined],
    ['chatcmpl-1', undefined],
  ])('%s', (raw, id) => {
    expect(responseIdIn(raw)).toBe(id);
  });
});

describe('tools', () => {
  it('have one form', () => {
    const parameters = { type: 'object' };
    const expected = { name: 'f', description: 'd', parameters };
    for (const form of [
      { type: 'function', function: { name: 'f', description: 'd', parameters } },
      { name: 'f', description: 'd', input_schema: parameters },
      { type: 'function', name: 'f', description: 'd', inputSchema: parameters },
      { name: 'f', description: 'd', parameters_json_schema: parameters },
    ]) {
      expect(readTool(form)).toEqual(expected);
    }
    expect(readTool({ type: 'web_search' })).toEqual({ type: 'web_search' });
  });
});
