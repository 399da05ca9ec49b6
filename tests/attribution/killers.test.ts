/** Inputs made to hurt: each answered right, and with bounded work (a test that hangs fails by its timeout). */

import { describe, expect, it } from 'vitest';

import { createAttributor } from '../../src/attribution/index.ts';
import { version } from './fixtures.ts';

const MEGABYTE = 1 << 20;

function attributed(template: string, text: string): { kind: string; values: string[] } {
  const attributor = createAttributor();
  attributor.add(version('p', 1, template));
  const { kind, matches } = attributor.attribute({ text });
  return { kind, values: (matches[0]?.variables ?? []).map(({ value }) => value) };
}

describe('killers', () => {
  it('many gaps with one-byte literals, and a text that nearly fits', () => {
    const template = `Begin the following list: ${Array.from({ length: 60 }, (_, at) => `{{v${at}}}a`).join('')}b`;
    expect(attributed(template, `Begin the following list: ${'a'.repeat(50_000)}`).kind).toBe('unknown');
    expect(attributed(template, `Begin the following list: ${'a'.repeat(50_000)}b`).kind).toBe('rendered');
  });

  it('neighbouring variables', () => {
    const { kind, values } = attributed(
      'Summarise what follows, briefly: {{a}}{{b}}',
      'Summarise what follows, briefly: x y',
    );
    expect(kind).toBe('rendered');
    expect(values).toEqual(['x y']);
  });

  it('a literal that its variable repeats ten thousand times', () => {
    const template = 'Context of the question: {{context}}\nAnswer: {{answer}}. End of answer.';
    const context = '\nAnswer: '.repeat(10_000);
    const { kind, values } = attributed(template, `Context of the question: ${context}\nAnswer: 42. End of answer.`);
    expect(kind).toBe('rendered');
    // The leftmost place is taken: what is before the first occurrence fills the first gap.
    expect(values[0]).toBe('');
  });

  it('a megabyte of the bytes of a rule in the template', () => {
    const template = `Read between the lines.\n{{text}}\n${'-'.repeat(80)}\n{{more}}\nNow answer the question.`;
    const dashes = '-'.repeat(MEGABYTE);
    expect(attributed(template, `Read between the lines.\n${dashes}\nNow answer the question.`).kind).toBe('unknown');
    const fitting = `Read between the lines.\n${dashes}\n${'-'.repeat(80)}\nx\nNow answer the question.`;
    expect(attributed(template, fitting).kind).toBe('rendered');
  });

  it('a megabyte of spaces within a line', () => {
    const template = 'Please answer this question:\n{{question}}\nIn one sentence.';
    const question = `What is${' '.repeat(MEGABYTE)}that?`;
    const { kind, values } = attributed(template, template.replace('{{question}}', question));
    expect([kind, values]).toEqual(['rendered', [question]]);
  });

  it('a megabyte of prose', () => {
    const prose = 'The quick brown fox jumps over the lazy dog. '.repeat(MEGABYTE / 45);
    const { kind, values } = attributed(
      'Please summarise this document:\n{{document}}\nIn one sentence.',
      `Please summarise this document:\n${prose}\nIn one sentence.`,
    );
    expect(kind).toBe('rendered');
    expect(values).toEqual([prose]);
  });

  it('a loop over ten thousand items, and one that begins with no item', () => {
    const template = 'Here are the items to sort:\n{% for i in items %}- {{ i }};\n{% endfor %}Sort them now.';
    const items = Array.from({ length: 10_000 }, (_, at) => `- item ${at};\n`).join('');
    expect(attributed(template, `Here are the items to sort:\n${items}Sort them now.`).kind).toBe('rendered');
    const short = '- one;\n- two;\n';
    expect(attributed(template, `Here are the items to sort:\n* zero;\n${short}Sort them now.`).kind).toBe('unknown');
  });

  it('alternations nested so that there are a million ways through', () => {
    const template = `Follow all of these rules, please.\n${'{% if c %}abc{% else %}abd{% endif %}'.repeat(20)}\nThat is all.`;
    expect(attributed(template, `Follow all of these rules, please.\n${'abcabd'.repeat(10)}\nThat is all.`).kind).toBe(
      'rendered',
    );
    expect(attributed(template, `Follow all of these rules, please.\n${'abcabx'.repeat(10)}\nThat is all.`).kind).toBe(
      'unknown',
    );
  });

  it('every anchor of two thousand versions in one text', () => {
    const attributor = createAttributor();
    const literal = (at: number): string => ` the number of this one is ${at * 7919}, and it is unlike the others `;
    attributor.addAll(Array.from({ length: 2_000 }, (_, at) => version(`p${at}`, 1, `{{a}}${literal(at)}{{b}}`)));
    const text = Array.from({ length: 2_000 }, (_, at) => literal(at)).join('x');
    expect(attributor.attribute({ text }).kind).toBe('ambiguous');
    expect(attributor.attribute({ text: `x${literal(1234)}y` }).matches.map(({ prompt }) => prompt)).toEqual(['p1234']);
  });

  it('lone surrogates and what they are encoded as', () => {
    const template = 'You are given a broken text, repair it: {{text}}';
    expect(attributed(template, 'You are given a broken text, repair it: \uD800').values).toEqual(['\uFFFD']);
    expect(
      attributed('Broken \uDC00 template with enough text: {{x}}', 'Broken \uFFFD template with enough text: y').kind,
    ).toBe('rendered');
  });

  it('composed and decomposed characters', () => {
    const template = 'R\u00e9ponds toujours en fran\u00e7ais, s\u2019il te pla\u00eet : {{question}}';
    const decomposed = 'R\u00e9ponds toujours en fran\u00e7ais, s\u2019il te pla\u00eet : o\u00f9 ?'.normalize('NFD');
    expect(attributed(template, decomposed).kind).toBe('rendered');
    expect(attributed(template.normalize('NFD'), decomposed).kind).toBe('rendered');
    expect(attributed(template.normalize('NFD'), decomposed.normalize('NFC')).kind).toBe('rendered');
  });

  it('line ends that were changed on the way, and a byte order mark', () => {
    const template = 'You are a careful assistant.\nAnswer: {{question}}\nThank you.\n';
    expect(attributed(template, '\uFEFFYou are a careful assistant.\r\nAnswer: a\r\nb\r\nThank you.').kind).toBe(
      'rendered',
    );
  });

  it('an empty text, and one of white space', () => {
    expect(attributed('You are a careful assistant. {{x}}', '').kind).toBe('unknown');
    expect(attributed('You are a careful assistant. {{x}}', ' \n ').kind).toBe('unknown');
  });
});
