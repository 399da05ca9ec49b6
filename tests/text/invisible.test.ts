/** What a terminal is given, and what a person sees of characters that do not show. */

import { describe, expect, it, test } from 'vitest';
import { forTerminal, jsonForTerminal, revealHidden } from '../../src/text/invisible.ts';

test('our own colours stay; what moves the cursor, hides, or says something to the terminal shows', () => {
  expect(forTerminal('\u001B[31mred\u001B[39m\u001B[2K\u001B[8m\u202E')).toBe(
    '\u001B[31mred\u001B[39m<U+001B>[2K<U+001B>[8m<U+202E>',
  );
});

test('what was made to show once is not made to show again', () => {
  const shown = revealHidden('p\u0430ypal\u0007');
  expect(shown).toBe('p\u0430<U+0430>ypal<U+0007>');
  expect(forTerminal(shown)).toBe(shown);
});

test('JSON shows as what it is, and reads as the same', () => {
  const value = { name: '\u009B2K\u{E0041}\u202E é \n' };
  const json = jsonForTerminal(JSON.stringify(value, null, 2));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toContain(String.raw`\u009b2K\udb40\udc41\u202e é \n`);
});

describe('revealHidden', () => {
  it('shows letters that imitate Latin ones, and leaves words of other scripts alone', () => {
    expect(revealHidden('p\u0430ypal, \u0431\u0430\u043D\u043A, caf\u00E9')).toBe(
      'p\u0430<U+0430>ypal, \u0431\u0430\u043D\u043A, caf\u00E9',
    );
    expect(revealHidden('\u202Eabc\u200B')).toBe('<U+202E>abc<U+200B>');
  });

  // Looking ahead from each of its letters, this would take a quarter of an hour.
  it('reads a long text without a space once', () => {
    const text = '\u6F22'.repeat(200_000);
    expect(revealHidden(text)).toBe(text);
  });
});
