/** What decides between versions that a text fits equally well, and that the answer says so. */

import { describe, expect, it } from 'vitest';
import { createAttributor, settleTie, type TieEvidence } from '../../src/attribution/index.ts';
import { version } from './fixtures.ts';

const V1 = 'You are a customer support assistant.{% if vip %} Be brief.{% endif %} Answer: {{ question }}';
const V2 = 'You are a customer support assistant.{% if vip %} Be kind.{% endif %} Answer: {{ question }}';
const TEXT = 'You are a customer support assistant. Answer: Where is it?';

function twins(): ReturnType<typeof createAttributor> {
  const attributor = createAttributor();
  attributor.addAll([
    version('support', 1, V1, { settings: { model: 'gpt-x', parameters: { temperature: 0.1 } } }),
    version('support', 2, V2, {
      settings: { model: 'gpt-x', parameters: { temperature: 0.9 }, tools: [{ name: 'search' }] },
    }),
    version('sales', 7, V1),
  ]);
  return attributor;
}

const NOTHING: TieEvidence = {
  wasPinned: () => false,
  wasRegistered: () => true,
  isUsedByService: () => false,
};

describe('a tie', () => {
  it('is an answer where nothing speaks for one of them', () => {
    const answer = twins().attribute({ text: TEXT });
    expect(answer).toMatchObject({ kind: 'ambiguous', matches: [{ prompt: 'support' }, {}, {}] });
    expect(answer.tie ?? null).toBeNull();
    expect(settleTie(answer, {}, NOTHING)).toBe(answer);
  });

  it('is broken by the declared prompt, as far as that tells', () => {
    const answer = twins().attribute({ text: TEXT, declared: { prompt: 'sales' } });
    expect(answer).toMatchObject({ kind: 'declared', matches: [{ prompt: 'sales', version: '7' }] });
    // A name alone does not choose between the versions of that name.
    const both = twins().attribute({ text: TEXT, declared: { prompt: 'support', version: 'production' } });
    expect(both).toMatchObject({ kind: 'ambiguous', matches: [{ version: '1' }, { version: '2' }] });
    expect(both.contradictsDeclaration).toBe(false);
  });

  it.each([
    ['parameters', { parameters: { temperature: 0.9 } }, ['2', '7']],
    ['tools', { parameters: { temperature: 0.9 }, tools: [{ name: 'search' }] }, ['2', '7']],
    ['other tools', { tools: [{ name: 'refund' }] }, ['1', '7']],
  ])('is broken by the %s of a chat’s call', (_, settings, versions) => {
    const messages = [
      { role: 'system', content: TEXT },
      { role: 'user', content: 'hello' },
    ];
    const answer = twins().attribute({ messages, settings });
    expect(answer.matches.map((match) => match.version)).toEqual(versions);
    expect(answer.tie).toMatchObject({ because: ['settings'] });
    expect(answer.tie?.others.map((match) => match.version)).toEqual(
      ['1', '2'].filter((one) => !versions.includes(one)),
    );
    expect(answer.words).toContain('model, parameters or tools of the call are not theirs');
  });

  it('is broken by a pin, by the time of registration and by what the service uses, and says by which', () => {
    const answer = twins().attribute({ text: TEXT });
    const sent = { environment: 'production', service: 'checkout' };
    const pinned = settleTie(answer, sent, { ...NOTHING, wasPinned: ({ version: name }) => name === '2' });
    expect(pinned).toMatchObject({
      kind: 'rendered',
      matches: [{ prompt: 'support', version: '2' }],
      tie: { because: ['pinned'], others: [{ version: '1' }, { version: '7' }] },
    });
    expect(pinned.words).toBe(
      'compatible with support v2, 46 literal bytes; it fits support v1, sales v7 as well: ' +
        'set aside because the pin of production names another',
    );
    const evidence: TieEvidence = {
      ...NOTHING,
      wasRegistered: ({ version: name }) => name !== '2',
      isUsedByService: (prompt) => prompt === 'support',
    };
    const settled = settleTie(answer, sent, evidence);
    expect(settled).toMatchObject({ kind: 'rendered', matches: [{ version: '1' }] });
    expect(settled.tie?.because).toEqual(['registered', 'service']);
    expect(settled.words).toMatch(
      /registered only after the call, and calls of checkout usually carry another prompt$/,
    );
    // Everything that speaks for none of them, or for all, is no reason.
    expect(settleTie(answer, sent, { ...evidence, wasRegistered: () => false, isUsedByService: () => true })).toBe(
      answer,
    );
  });

  it('that was broken is told in JSON as well, and is no longer told once the text decides', () => {
    const settled = settleTie(
      twins().attribute({ text: TEXT }),
      {},
      { ...NOTHING, wasPinned: ({ version: v }) => v === '2' },
    );
    expect(JSON.parse(JSON.stringify(settled))).toMatchObject({ tie: { because: ['pinned'] }, words: settled.words });
    const clear = twins().attribute({ text: TEXT.replace('assistant.', 'assistant. Be kind.') });
    expect(settleTie(clear, {}, NOTHING)).toMatchObject({ kind: 'rendered', matches: [{ version: '2' }] });
  });
});
