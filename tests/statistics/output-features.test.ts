import { describe, expect, test } from 'vitest';
import { FEATURES, featuresOf, wordOf } from '../../src/statistics/output-features.ts';
import { output } from '../support/generated-outputs.ts';

type Shown = Readonly<Record<string, number | boolean | string | null>>;

/** By name, numbers as a person is shown them. */
function shown(text: string | null, more: Parameters<typeof output>[1] = {}): Shown {
  const features = featuresOf(output(text, more));
  const { numbers, flags } = features;
  return Object.fromEntries(
    FEATURES.map((feature) => {
      const { name, kind, at, show } = feature;
      if (kind === 'word') return [name, wordOf(features, feature)];
      if (kind === 'flag') return [name, flags === null ? null : ((flags >> at) & 1) === 1];
      const value = numbers[at] ?? null;
      return [name, value === null || show === null ? value : show(value)];
    }),
  );
}

describe('features of an output', () => {
  test('have each their place', () => {
    const { numbers, words } = featuresOf(output('Hello.'));
    expect(FEATURES.filter(({ kind }) => kind === 'number')).toHaveLength(numbers.length);
    expect(FEATURES.filter(({ kind }) => kind === 'word')).toHaveLength(words.length);
    expect(new Set(FEATURES.map(({ name }) => name)).size).toBe(FEATURES.length);
    // They are kept as bits of 32.
    expect(FEATURES.filter(({ kind }) => kind === 'flag').length).toBeLessThan(31);
  });

  test('of prose', () => {
    expect(
      shown('Hello there. Is this OK? It is 7 o’clock!\nBye', { outputTokens: 14, inputTokens: 1_200 }),
    ).toMatchObject({
      characters: '45',
      words: '10',
      lines: '1',
      sentence_length: '3.33',
      digits: '2.2 %',
      capitals: '13 %',
      punctuation: '6.7 %',
      non_ascii: '2.2 %',
      distinct_words: '100 %',
      output_tokens: '14',
      input_tokens: '1200',
      first_word: 'hello',
      first_two_words: 'hello there.',
      last_character: 'e',
      script: 'Latin',
      json: false,
      refusal: false,
      exclamation: true,
      full_stop: false,
      empty: false,
    });
  });

  test.each([
    ['{"b": 1, "a": [2]}', { json: true, json_keys: 'a b' }],
    ['[1, 2]', { json: true, json_keys: '' }],
    ['{"b": 1', { json: false, json_keys: '' }],
    ['```ts\nlet a;\n```', { code_fence: true }],
    ['Here:\n- one\n- two', { bullets: true, numbering: false }],
    ['1. one\n2) two', { bullets: false, numbering: true }],
    ['## Title\n**Bold** text.', { heading: true, bold: true, full_stop: true }],
    ["I'm sorry, but I can't help with that.", { refusal: true }],
    ['What do you mean?', { question: true, full_stop: true }],
    ['', { empty: true, first_word: '', characters: '0', script: 'none' }],
    ['Привет, как дела', { script: 'Cyrillic' }],
    ['你好，世界', { script: 'Han' }],
    ['Well done 👍', { last_character: '👍' }],
  ])('of %j', (text, features) => {
    expect(shown(text)).toMatchObject(features);
  });

  test('of calls of tools, and of who answers', () => {
    const features = shown('', {
      tools: ['search', 'book', 'search'],
      finishReason: 'tool_calls',
      responseModel: 'm-2',
    });
    expect(features).toMatchObject({
      tools: 'book search',
      finish_reason: 'tool_calls',
      response_model: 'm-2',
      empty: true,
    });
  });

  test('of a text that was not kept are not known, but for what was reported of it', () => {
    const features = shown(null, { outputTokens: 30, inputTokens: null });
    expect(features).toMatchObject({
      characters: null,
      refusal: null,
      wording_1: null,
      first_word: null,
      last_character: null,
      json_keys: null,
      script: null,
      output_tokens: '30',
      tools: '',
      finish_reason: 'stop',
    });
    expect(features['input_tokens']).toBeNull();
    expect(shown('Yes.', { tools: null, finishReason: '', responseModel: '' })).toMatchObject({
      first_word: 'yes.',
      tools: null,
      finish_reason: null,
      response_model: null,
    });
  });

  test('tell long names apart that begin alike, and dated models', () => {
    const tools = (last: string): Shown =>
      shown('', { tools: ['search_knowledge_base', 'create_support_ticket', last] });
    expect(tools('refund')['tools']).not.toBe(tools('cancel')['tools']);
    expect(tools('refund')['tools']).toBe(tools('refund')['tools']);
    expect(String(tools('refund')['tools'])).toMatch(/^create_support_ti…[0-9a-f]{6}$/u);
    const keys = (last: string): unknown =>
      shown(`{"customer_identifier": 1, "customer_locale": 2, "${last}": 3}`)['json_keys'];
    expect(keys('x')).not.toBe(keys('y'));
    const model = 'anthropic.claude-3-5-sonnet-20241022-v2:0';
    expect(shown('', { responseModel: model })['response_model']).toBe(model);
  });

  test('of a text that never ends are those of its beginning, and how long it is', () => {
    expect(shown('a{'.repeat(2_000_000))).toMatchObject({
      characters: '4000000',
      words: '1',
      first_word: 'a{'.repeat(12),
    });
  });

  test('are alike for texts that are worded alike', () => {
    const wording = (text: string): readonly number[] =>
      featuresOf(output(text))
        .numbers.slice(13, 21)
        .map((value) => value as number);
    const distance = (a: readonly number[], b: readonly number[]): number =>
      Math.hypot(...a.map((value, at) => value - (b[at] as number)));
    const one = wording('Your parcel was sent on Monday and should arrive within three days.');
    const alike = wording('Your parcel was sent on Friday and should arrive within five days.');
    const other = wording('{"status": "SHIPPED", "eta_days": 3, "carrier": null, "events": []}');
    expect(distance(one, alike)).toBeLessThan(distance(one, other) / 2);
  });
});
