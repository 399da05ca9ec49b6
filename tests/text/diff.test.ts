import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../src/text/diff.ts';
import { segmentLine, SEGMENT_CHARACTERS_MAX } from '../../src/text/segments.ts';
import { shortenDiff } from '../../src/text/shorten-diff.ts';

const LONG_LINE = [
  'You are a customer support intent classifier.',
  'Read the message of the customer and answer with exactly one of the labels that are listed below.',
  'Never invent a label.',
  'If you are not sure, answer unknown.',
  'Customers often write in a hurry and make spelling mistakes, so be generous.',
].join(' ');

function bodyOf(diff: string): readonly string[] {
  return diff.split('\n').slice(2);
}

function changes(diff: string, sign: '-' | '+'): readonly string[] {
  return bodyOf(diff)
    .filter((line) => line.startsWith(sign))
    .map((line) => line.slice(1));
}

function manyLines(word: string): string {
  return Array.from({ length: 300 }, (_, index) => `${word} ${index}`).join('\n');
}

function scrambled(seed: number): string {
  return Array.from({ length: 20_000 }, (_, index) => ((index * 2_654_435_761 + seed) % 1_000_003).toString(36)).join(
    ' ',
  );
}

function wordsOf(text: string): Set<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}

describe('unifiedDiff', () => {
  it('is empty for equal texts and otherwise labels both sides', () => {
    expect(unifiedDiff('same', 'same')).toBe('');
    expect(unifiedDiff('a', 'b', { beforeLabel: 'v2', afterLabel: 'live' })).toBe(
      '--- v2\n+++ live\n@@ -1 +1 @@\n-a\n+b',
    );
  });

  it('shows the context asked for and the line numbers of both sides', () => {
    const before = 'a\nb\nc\nd\ne\nf\ng\nh\ni';
    const after = 'a\nb\nc\nd\nNEW\ne\nf\ng\nh\nI';
    expect(bodyOf(unifiedDiff(before, after, { contextLines: 1 }))).toEqual([
      '@@ -4,2 +4,3 @@',
      ' d',
      '+NEW',
      ' e',
      '@@ -8,2 +9,2 @@',
      ' h',
      '-i',
      '+I',
    ]);
  });

  it('compares a long line sentence by sentence', () => {
    const diff = unifiedDiff(LONG_LINE, LONG_LINE.replace('not sure', 'in doubt'), { contextLines: 0 });
    expect(bodyOf(diff)).toEqual([
      '@@ -1 +1 @@ at character 145',
      '-… Never invent a label. If you are not sure, answer unknown. …',
      '+… Never invent a label. If you are in doubt, answer unknown. …',
    ]);
  });

  it.each([
    ['trailing spaces', 'a  \nb', 'a\nb', ['a··'], ['a']],
    ['a tab', 'a\tb', 'a b', ['a→b'], ['a b']],
    ['a no-break space', 'a b', 'a\u00A0b', ['a b'], ['a<U+00A0>b']],
    ['a zero-width space', 'ab', 'a\u200Bb', ['ab'], ['a<U+200B>b']],
    ['composition', 'caf\u00E9', 'cafe\u0301', ['café'], ['cafe<U+0301>']],
    ['a Kelvin sign', '5 K', '5 \u212A', ['5 K'], ['5 \u212A<U+212A>']],
    ['a letter of another script', 'paypal', 'p\u0430ypal', ['paypal'], ['p\u0430<U+0430>ypal']],
    ['one CRLF among LFs', 'a\nb\r\nc', 'a\nb\nc', ['b␍'], ['b']],
    ['tag characters', 'ok', 'ok\u{E0041}', ['ok'], ['ok<U+E0041>']],
  ])('makes a difference in %s visible', (_what, before, after, removed, added) => {
    const diff = unifiedDiff(before, after);
    expect(changes(diff, '-')).toEqual(removed);
    expect(changes(diff, '+')).toEqual(added);
  });

  it('never lets a terminal or a bidirectional mark through', () => {
    const diff = unifiedDiff('safe', '\u001B[2Jgone \u202Edesrever');
    expect(changes(diff, '+')).toEqual(['<U+001B>[2Jgone <U+202E>desrever']);
  });

  it('says once that the line endings changed, and what else did', () => {
    expect(bodyOf(unifiedDiff('a\r\nb\r\nc\r\n', 'a\nB\nc\n', { contextLines: 0 }))).toEqual([
      '@@ line endings @@',
      '-all lines end in ␍␊ (CRLF)',
      '+all lines end in ␊ (LF)',
      '@@ -2 +2 @@',
      '-b',
      '+B',
    ]);
  });

  it('shows a missing newline at the end when that is the only difference', () => {
    expect(bodyOf(unifiedDiff('a\nb\n', 'a\nb'))).toEqual(['@@ -2 +2 @@', '-b', '+b', '\\ No newline at the end']);
    expect(changes(unifiedDiff('a\nb\n', 'a\nc'), '-')).toEqual(['b']);
  });

  it('keeps its size, shows both sides of a rewrite, and counts what it left out', () => {
    const diff = unifiedDiff(manyLines('old'), manyLines('new'), { bytesMax: 1_000 });
    const [removed, added] = [changes(diff, '-').length, changes(diff, '+').length];
    expect(Buffer.byteLength(diff)).toBeLessThanOrEqual(1_000);
    expect(Math.min(removed, added)).toBeGreaterThan(20);
    expect(diff.split('\n').at(-1)).toBe(`… ${600 - removed - added} more lines differ`);
    const shorter = shortenDiff(diff, 300);
    const left = 600 - changes(shorter, '-').length - changes(shorter, '+').length;
    expect(shorter.split('\n').at(-1)).toBe(`… ${left} more lines differ`);
  });

  it('answers for texts that have nothing in common and for degenerate ones', () => {
    for (const [before, after] of [
      [scrambled(1), scrambled(2)],
      ['x'.repeat(200_000), 'y'.repeat(200_000)],
      ['', scrambled(3)],
      ['\n'.repeat(50_000), '\r'.repeat(50_000)],
    ] as const) {
      const diff = unifiedDiff(before, after);
      expect(Buffer.byteLength(diff)).toBeLessThanOrEqual(16_384);
      expect(diff).toMatch(/… \d+ more lines differ$/);
    }
  });
});

const words = fc.array(fc.stringMatching(/^[a-z]{1,12}[.,]?$/), { minLength: 0, maxLength: 120 });
const separated = fc
  .tuple(words, fc.array(fc.constantFrom(' ', ' ', ' ', '. ', '\n'), { minLength: 120, maxLength: 120 }))
  .map(([list, separators]) => list.map((word, index) => word + (separators[index] ?? ' ')).join(''));

describe('properties', () => {
  it('shows every word that only one side has', () => {
    fc.assert(
      fc.property(separated, separated, (before, after) => {
        const diff = unifiedDiff(before, after, { bytesMax: 1_000_000 });
        const [old, fresh] = [wordsOf(before), wordsOf(after)];
        const [removed, added] = [wordsOf(changes(diff, '-').join(' ')), wordsOf(changes(diff, '+').join(' '))];
        for (const word of old) expect(fresh.has(word) || removed.has(word)).toBe(true);
        for (const word of fresh) expect(old.has(word) || added.has(word)).toBe(true);
      }),
    );
  });

  it('shows a difference wherever there is one, whatever the characters', () => {
    const nasty = fc.string({
      unit: fc.constantFrom(
        'a',
        'é',
        'e\u0301',
        ' ',
        '  ',
        '\t',
        '\n',
        '\r\n',
        '\r',
        '\u00A0',
        '\u200B',
        '\u200D',
        '가',
        '\u1100\u1161',
      ),
      maxLength: 12,
    });
    fc.assert(
      fc.property(nasty, nasty, (before, after) => {
        fc.pre(before !== after);
        const lines = bodyOf(unifiedDiff(before, after));
        const removed = lines.filter((line) => line.startsWith('-')).map((line) => line.slice(1));
        const added = lines.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
        const marked = lines.some((line) => line.startsWith('\\'));
        expect(removed.join('\n') !== added.join('\n') || marked || removed.length !== added.length).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('cuts a line into short pieces that are the line, and an insertion changes few of them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 3_000 }), (line) => {
        const pieces = segmentLine(line);
        expect(pieces.join('')).toBe(line);
        for (const piece of pieces) expect(piece.trimEnd().length).toBeLessThanOrEqual(SEGMENT_CHARACTERS_MAX);
      }),
    );
    const line = Array.from({ length: 400 }, (_, index) => `word${(index * 7919) % 1_000}`).join(' ');
    const before = new Set(segmentLine(line));
    const after = segmentLine(`inserted ${line}`);
    expect(after.filter((piece) => !before.has(piece)).length).toBeLessThanOrEqual(3);
  });
});
