/** Tables on a terminal: what is beside each other is below each other. */

import { expect, test } from 'vitest';
import { forTerminal } from '../../src/text/invisible.ts';
import { styled, table } from '../../src/cli/output.ts';

/** How many cells a terminal gives to what is before the mark in each line, as its names were made here. */
function marksOf(names: readonly (readonly [name: string, cells: number])[]): readonly number[] {
  const lines = forTerminal(table(names.map(([name]) => [name, '|']))).split('\n');
  return lines.map((line, at) => {
    const [name = '', cells = 0] = names[at] ?? [];
    const shown = forTerminal(name);
    expect(line.startsWith(shown)).toBe(true);
    return cells + line.slice(shown.length).indexOf('|');
  });
}

test.each([
  ['wide letters', '客服/意图分类', 13],
  ['Hangul', '고객-지원', 9],
  ['full-width letters', 'ＡＢＣ', 6],
  ['an emoji', 'router 🚀', 9],
  ['one of several code points', 'team 👩‍👩‍👧', 7],
  ['a flag', '🇩🇪 support', 10],
  ['combining characters', 'cafe\u0301-router', 11],
  ['Devanagari', 'नमस्ते', 4],
  ['what is shown by its number', 'a\u200Bb', 10],
  ['colour', styled({ colour: true }, 'bold', 'prompt'), 6],
])('columns stay below each other with %s', (_what, name, cells) => {
  const marks = marksOf([
    ['support.intent-classifier', 25],
    [name, cells],
  ]);
  expect(marks).toEqual([27, 27]);
});

test('a wide name makes its column wide, and the last column has no spaces', () => {
  expect(
    table([
      ['客服', 'v1'],
      ['ab', 'v2'],
    ]),
  ).toBe('客服  v1\nab    v2');
});
