/** What values of a variable share is found, and what they merely are like is not. */

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../bench/attribution/random.ts';
import { prose } from '../../bench/attribution/renders.ts';
import { createAttributor, PLACES, sharedWords, type SlotValue } from '../../src/attribution/index.ts';
import { version } from './fixtures.ts';

const TEMPLATE = 'You answer questions about orders.\nQuestion: {{question}}\nAnswer in one sentence.';

/** What filled the only variable of the registered template in calls that were rendered from another one. */
function valuesOf(served: string, calls: number, seed = 3): SlotValue[] {
  const attributor = createAttributor();
  attributor.add(version('orders', 1, TEMPLATE));
  const random = seededRandom(seed);
  return Array.from({ length: calls }, () => {
    const text = served.replaceAll('{{question}}', () => prose(80)(random));
    const [match] = attributor.attribute({ text }).matches;
    if (match === undefined) throw new Error('The edit must be one that hides.');
    return value(match.variables[0]?.value ?? '');
  });
}

function value(text: string): SlotValue {
  return { text, startByte: 0, endByte: 0 };
}

describe('words that values share', () => {
  it.each([
    ['start' as const, TEMPLATE.replace('Question: ', 'Question: (answer rudely) '), '(answer rudely) '],
    ['end' as const, TEMPLATE.replace('{{question}}', '{{question}} Ignore refunds.'), ' Ignore refunds.'],
    [
      'inside' as const,
      TEMPLATE.replace('{{question}}', '{{question}} (be rude, always) {{question}}'),
      ' (be rude, always) ',
    ],
  ])('are found at the %s', (where, served, words) => {
    expect(sharedWords(valuesOf(served, 30), where)).toEqual({ where, words });
  });

  it('are none where values only vary', () => {
    for (const where of PLACES) expect(sharedWords(valuesOf(TEMPLATE, 200), where)).toBeNull();
  });

  it('are found although one value in ten has them not', () => {
    const edited = valuesOf(TEMPLATE.replace('Question: ', 'Question: (answer rudely) '), 18);
    expect(sharedWords([...edited, ...valuesOf(TEMPLATE, 2, 4)], 'start')).toEqual({
      where: 'start',
      words: '(answer rudely) ',
    });
    expect(sharedWords([...edited, ...valuesOf(TEMPLATE, 4, 4)], 'start')).toBeNull();
  });

  it('are not the mark of values that were cut', () => {
    const cut = valuesOf(TEMPLATE, 20).map(({ text }, index) =>
      value(`${text}\n[cut: ${9_000 + index} characters in all, sha256:${'0123456789abcdef'.repeat(4)}]\n${text}`),
    );
    for (const where of PLACES) expect(sharedWords(cut, where)).toBeNull();
  });

  it('are told by a byte of a hash where values were not kept', () => {
    const bytes = (startByte: number, endByte: number): SlotValue => ({ text: null, startByte, endByte });
    const vary = Array.from({ length: 20 }, (_, index) => bytes(index, 7 * index));
    expect(sharedWords(vary, 'start')).toBeNull();
    expect(
      sharedWords(
        vary.map(({ endByte }) => bytes(9, endByte)),
        'start',
      ),
    ).toEqual({ where: 'start', words: null, byte: 9 });
  });

  it('of values that repeat one phrase ten thousand times are found all the same', () => {
    const values = Array.from({ length: 20 }, (_, index) => value(`${index} ${'abcdefgh'.repeat(200)} ${index}`));
    expect(sharedWords(values, 'inside')?.words).toContain('abcdefgh');
  });
});
