/** An explained answer shows where the template's own text stands, what fills the rest, and what else would fit. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributionQuery, Explanation } from '../../src/contract/attribution.ts';
import { createAttributor } from '../../src/attribution/index.ts';
import { version } from './fixtures.ts';

const LOOSE = 'You answer questions of customers. {{ rules }}';
const V1 = 'You answer questions of customers. Question: {{ question }}\nAnswer {{ how }}.';
const SETTINGS = { model: 'gpt-x', parameters: { temperature: 0.1 }, tools: [{ name: 'search' }] };

function explained(query: AttributionQuery): Explanation {
  const attributor = createAttributor();
  attributor.addAll([
    version('support', 1, V1, { settings: SETTINGS }),
    version('loose', 1, LOOSE),
    version('bot', 3, [
      ['system', 'You are {{ name }}, an assistant of Example Inc.'],
      ['user', 'The customer asks: {{ question }}'],
    ]),
  ]);
  return attributor.explain(query, attributor.attribute(query));
}

describe('an explanation', () => {
  it('is the text again, piece by piece, with the bytes that count as evidence', () => {
    const text = V1.replace('{{ question }}', 'Où est-il?').replace('{{ how }}', 'briefly');
    const { attribution, matches, competing } = explained({ text });
    expect(attribution).toMatchObject({ kind: 'rendered', matches: [{ prompt: 'support' }] });
    expect(matches[0]?.messages).toEqual([
      [
        { literal: 'You answer questions of customers. Question: ' },
        { variable: 'question', value: 'Où est-il?' },
        { literal: '\nAnswer ' },
        { variable: 'how', value: 'briefly' },
        { literal: '.' },
      ],
    ]);
    // What fits with less evidence.
    expect(competing).toMatchObject([{ prompt: 'loose', version: '1', literalBytes: 35 }]);
  });

  it('holds every message of a chat that was found, and compares model, parameters and tools', () => {
    const messages = [
      { role: 'system', content: 'You are Ann, an assistant of Example Inc.' },
      { role: 'user', content: 'The customer asks: Why?' },
    ];
    const [match] = explained({ messages }).matches;
    expect(match?.messages.map((pieces) => pieces.length)).toEqual([3, 2]);
    expect(match?.settings).toEqual([]);

    const system = V1.replace('{{ question }}', 'Why?').replace('{{ how }}', 'briefly');
    const settings = { model: 'openai/gpt-x', parameters: { temperature: 0.9, top_p: 1 }, tools: [{ name: 'refund' }] };
    const [other] = explained({ messages: [{ role: 'system', content: system }], settings }).matches;
    expect(other?.settings).toEqual([
      { setting: 'parameters.temperature', registered: 0.1, observed: 0.9 },
      { setting: 'tools', registered: [{ name: 'search' }], observed: [{ name: 'refund' }] },
    ]);
  });

  it('needs no pieces where the text is the registered one', () => {
    expect(explained({ text: V1 })).toMatchObject({ attribution: { kind: 'exact' }, matches: [{ messages: [] }] });
  });

  it('leaves nothing of the text out, whatever fills the variables', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (question, how) => {
        const text = V1.replace('{{ question }}', () => question.toWellFormed()).replace('{{ how }}', () =>
          how.toWellFormed(),
        );
        const { matches } = explained({ text });
        for (const { messages } of matches) {
          const pieces = messages.flat().map((piece) => ('literal' in piece ? piece.literal : piece.value));
          expect(pieces.join('')).toBe(text);
        }
      }),
      { numRuns: 200 },
    );
  });
});
