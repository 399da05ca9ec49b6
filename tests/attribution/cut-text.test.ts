/** Texts that an exporter cut at its limit, texts that only look a little like that, and those of which we look at the beginning. */

import { describe, expect, it } from 'vitest';
import { createAttributor, withNear } from '../../src/attribution/index.ts';
import { seededRandom } from '../../bench/attribution/random.ts';
import { prose } from '../../bench/attribution/renders.ts';
import { version } from './fixtures.ts';

const random = seededRandom(5);
const RULES = prose(800)(random);
const LATER = prose(800)(random);
const TEMPLATE = `You are the assistant of Acme. The customer is {{ customer }}.\n${RULES}\nWhat is known: {{ context }}\n${LATER}\nThe question: {{ question }}`;

const attributor = createAttributor();
attributor.add(version('support.answers', 3, TEMPLATE));

function rendered(customer: string, template = TEMPLATE): string {
  return template
    .replace('{{ customer }}', customer)
    .replace('{{ context }}', () => prose(60)(random))
    .replace('{{ question }}', () => prose(30)(random));
}

const isCut = (text: string): boolean => attributor.near({ text }).some((near) => near.isCut === true);

describe('a text that was cut', () => {
  it.each([256, 500, 1_000, 1_024, 1_500, 1_535])('at %i characters is the beginning of a render', (limit) => {
    for (const customer of ['Ana', 'Øystein Ærlig', '田中さん']) {
      const cut = rendered(customer).slice(0, limit);
      expect(cut).toHaveLength(limit);
      expect(attributor.attribute({ text: cut }).kind).toBe('unknown');
      expect(isCut(cut), cut).toBe(true);
    }
  });

  it('within a word of the template is one at any length', () => {
    const text = rendered('Ana');
    const inside = text.indexOf(RULES) + 100;
    const within = Array.from({ length: 40 }, (_, more) => inside + more).filter(
      (at) => /\w\w/.test(text.slice(at - 1, at + 1)) && at % 100 !== 0 && at % 64 !== 0,
    );
    expect(within.length).toBeGreaterThan(10);
    for (const at of within) expect(isCut(text.slice(0, at)), text.slice(at - 20, at)).toBe(true);
  });

  it.each(['...', '…', '... [truncated]', ' <truncated 2048 chars>'])('may say so: %s', (mark) => {
    expect(isCut(`${rendered('Ana').slice(0, 777)}${mark}`)).toBe(true);
  });

  it('may end in half a character', () => {
    const template = TEMPLATE.replace('What is known', '知っていることはこれです');
    const other = createAttributor();
    other.add(version('support.answers', 3, template));
    const bytes = Buffer.from(rendered('Ana', template));
    const text = bytes.subarray(0, bytes.indexOf('これです') + 4).toString('utf8');
    expect(text.endsWith('\uFFFD')).toBe(true);
    expect(other.near({ text })).toMatchObject([{ isCut: true }]);
  });

  it('is said to be one', () => {
    const text = rendered('Ana').slice(0, 1_024);
    expect(withNear(attributor.attribute({ text }), attributor.near({ text })).words).toBe(
      "the text is the beginning of support.answers v3 and ends as if it was cut: what follows can't be checked",
    );
  });
});

describe('a text that was edited', () => {
  const edits: readonly (readonly [string, (text: string) => string])[] = [
    ['its end is gone', (text) => text.slice(0, text.indexOf(LATER) + LATER.indexOf('.') + 1)],
    ['a word is another', (text) => text.replace(LATER.split(' ')[4] ?? '', 'never')],
    [
      'a word is another, and it was cut behind that',
      (text) => text.replace(RULES.slice(0, 12), 'Never say so').slice(0, 1_024),
    ],
    [
      'a word is another behind a variable, and it was cut',
      (text) => text.replace(LATER.slice(0, 12), 'Never say so').slice(0, 1_500),
    ],
  ];

  it.each(edits)('is not taken for one that was cut: %s', (_what, edit) => {
    // A length that is a limit by chance is what one text of thirty-three has.
    const texts = Array.from({ length: 40 }, () => edit(rendered(prose(3)(random))));
    expect(texts.filter(isCut).length).toBeLessThan(6);
  });
});

it('finds the version of a text of which only the beginning is looked at', () => {
  const rule = (number: number): string => `Rule ${number}: be as polite as rule ${(number * 7) % 3_001} says.\n`;
  const source = `You answer {{ customer }} for Acme.\n${Array.from({ length: 3_000 }, (_, at) => rule(at)).join('')}Ask: {{ question }}`;
  const engine = createAttributor();
  engine.addAll([version('long', 1, source), version('short', 1, source.slice(0, 2_000))]);
  const text = source
    .replace('{{ customer }}', 'Ana'.repeat(2_000))
    .replace('{{ question }}', 'Why?')
    .replace('as rule 7 says', 'as you like');
  expect(text.length).toBeGreaterThan(100_000);
  const [near] = engine.near({ text });
  expect(near).toMatchObject({ prompt: 'long', version: '1' });
  expect(near?.editedBytes).toBeLessThan(40);
  expect(near?.diff).toContain('+Rule 1: be as polite as you like.');
  expect(near?.diff.length).toBeLessThan(1_000);
});
