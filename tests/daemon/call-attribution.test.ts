/** Under which prompt and version a call is counted, with the real attributor. */

import { describe, expect, test } from 'vitest';
import type { DeclaredPrompt, Invocation } from '../../src/contract/invocation.ts';
import type { PromptMessage } from '../../src/contract/prompt.ts';
import { callAttribution, storedQuery } from '../../src/daemon/attribution/call-attribution.ts';
import type { AttributableCall, AttributedAs } from '../../src/ingest/settling/attribution.ts';
import { pin, PROMPT, time, version } from '../support/prompts.ts';
import { TestRegistry } from './setup.ts';

const OPENING = 'You classify support messages for the shop.';
const V1 = version('1', `${OPENING} Answer with one word: {{ message }}`);
const V2 = version('2', `${OPENING} Answer with one label: {{ message }}`, { parent: '1' });
const OTHER = version('1', 'You summarise conversations in three sentences: {{ text }}', {
  prompt: 'other',
  owner: 'insights',
});
/** Fits whatever anybody says. */
const LOOSE = version('1', '{{ anything }}.', { prompt: 'loose' });

const registry = new TestRegistry([V1, V2, OTHER, LOOSE], [pin(V2)]);
const attribute = callAttribution(
  (query) => registry.desk.attributeTraffic(query),
  (prompt) => registry.view.ownerOf(prompt),
);

function call(
  text: string | null,
  declared: Partial<DeclaredPrompt> | null = null,
  more: Partial<Pick<AttributableCall, 'template' | 'variables'>> = {},
): AttributedAs {
  const messages: readonly PromptMessage[] | null = text === null ? null : [{ role: 'system', content: text }];
  const named = declared === null ? null : { name: PROMPT, version: null, label: null, ...declared };
  return attribute({
    invocation: { declared: named, settings: {} } as Invocation,
    instruction: null,
    messages,
    template: () => null,
    variables: () => null,
    ...more,
  });
}

const TEXT = {
  v1: `${OPENING} Answer with one word: Where is it?`,
  v2: `${OPENING} Answer with one label: Where is it?`,
  other: 'You summarise conversations in three sentences: hello',
  strange: 'Write a poem about the sea, and do not rhyme',
};

describe('a call is counted under', () => {
  test.each([
    ['what its text says', call(TEXT.v1), { kind: 'rendered', prompt: PROMPT, version: '1', owner: 'data-platform' }],
    ['what it declares, where the text agrees', call(TEXT.v2, { version: '2' }), { kind: 'declared', version: '2' }],
    ['its text, where the declaration lies', call(TEXT.v1, { version: '2' }), { prompt: PROMPT, version: '1' }],
    [
      'the prompt of its text, where even that lies',
      call(TEXT.other, { version: '2' }),
      { prompt: 'other', owner: 'insights' },
    ],
    [
      'the declared prompt and no version, where the text is none',
      call(TEXT.strange, { version: '2' }),
      { kind: 'unknown', prompt: PROMPT, version: null },
    ],
    [
      'nothing, where nothing is known',
      call(TEXT.strange),
      { kind: 'unknown', prompt: null, version: null, owner: null },
    ],
    [
      'its declaration, where there is no text',
      call(null, { version: '2' }),
      { prompt: PROMPT, version: '2', owner: 'data-platform' },
    ],
    [
      'its declaration, where that is not registered and there is no text',
      call(null, { name: 'elsewhere', version: '7' }),
      { kind: 'unverifiable', prompt: 'elsewhere', version: '7', owner: null },
    ],
    ['nothing, where there is neither', call(null), { kind: 'unverifiable', prompt: null, version: null }],
    [
      'a label as a prompt whose text it is',
      call(TEXT.v2, { version: 'production' }),
      { prompt: PROMPT, version: '2' },
    ],
  ] as const)('%s', (_what, counted, wanted) => {
    expect(counted).toMatchObject(wanted);
  });

  test('nothing, where the text fits only what fits everything; else what it declares', () => {
    expect(call('Hello.')).toMatchObject({ kind: 'insufficient_evidence', prompt: null, version: null });
    expect(call('Hello.', { version: '2' })).toMatchObject({ prompt: PROMPT, version: '2' });
  });

  test('the prompt alone, where several of its versions fit', () => {
    const twins = new TestRegistry([V1, version('1b', `${OPENING} Answer with one word: {{ text }}`)], []);
    const count = callAttribution(
      (query) => twins.desk.attributeTraffic(query),
      (prompt) => twins.view.ownerOf(prompt),
    );
    const counted = count({
      invocation: { declared: null, settings: {} } as unknown as Invocation,
      instruction: null,
      messages: [{ role: 'system', content: TEXT.v1 }],
      template: () => null,
      variables: () => null,
    });
    expect(counted).toMatchObject({ kind: 'ambiguous', prompt: PROMPT, version: null, owner: 'data-platform' });
  });

  test('the template that it was sent with', () => {
    const counted = call('Where is it?', null, {
      template: () => `${OPENING} Answer with one word: {{ message }}`,
      variables: () => ({ message: 'Where is it?' }),
    });
    // What was rendered is not what was sent: a template beside it proves nothing.
    expect(counted.prompt).toBeNull();
    const whole = call(TEXT.v1, null, {
      template: () => `${OPENING} Answer with one word: {{ message }}`,
      variables: () => ({ message: 'Where is it?' }),
    });
    expect(whole).toMatchObject({ kind: 'declared', version: '1' });
  });
});

test('a stored call is asked about as it was when it arrived', () => {
  const query = storedQuery({
    declared: { name: PROMPT, version: '2', label: null },
    startedAt: time('02:00:00'),
    environment: 'production',
    service: 'checkout',
    settings: { model: 'model-a' },
    template: 'T {{ x }}',
    variables: { x: '1' },
    input: [
      {
        role: 'system',
        parts: [
          { type: 'text', text: 'One.' },
          { type: 'media', modality: 'image', reference: 'sha256:0' },
          { type: 'text', text: 'Two.' },
        ],
      },
    ],
  } as unknown as Invocation);
  expect(query).toEqual({
    messages: [{ role: 'system', content: 'One.\nTwo.' }],
    declared: { prompt: PROMPT, version: '2' },
    template: 'T {{ x }}',
    variables: { x: '1' },
    settings: { model: 'model-a' },
    sent: { at: time('02:00:00'), environment: 'production', service: 'checkout' },
  });
});
