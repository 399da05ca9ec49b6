import { describe, expect, it } from 'vitest';
import { revealHidden } from '../../src/text/invisible.ts';

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
