/**
 * Shows characters that a person would not see, or would misread, as what they are. For display
 * only: what is hashed and stored is never touched. Pure.
 */

/**
 * Never shown as they are: control characters (a terminal would obey them), zero-width and
 * bidirectional marks (they reorder or hide what follows), fillers, tags, lone surrogates.
 */
const HIDDEN =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\u{E0000}-\u{E0FFF}\p{Cs}]/gu;

/** Harmless in most texts, but a difference in them alone does not show. */
const QUIET = /\u200C|\u200D|[\uFE00-\uFE0F]|\p{M}/gu;
/** Hangul letters that combine, and letters that have another spelling with the same look. */
const COMBINING_JAMO = /[\u1100-\u11FF]/u;
const NOT_ASCII = /[^\p{ASCII}]/gu;
const UNUSUAL_SPACE = /[\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]/gu;

/**
 * Letters that imitate Latin ones, inside a word that also has Latin letters. Words come first: looking
 * ahead from each letter takes minutes for a Chinese text without a space.
 */
const WORD = /\p{L}+/gu;
const LATIN_LETTER = /\p{Script=Latin}/u;
const IMITATING_LETTER = /[\p{Script=Cyrillic}\p{Script=Greek}]/gu;

/** The colours that we give to what we print; a text may have them too, and nothing else that a terminal obeys. */
// oxlint-disable-next-line no-control-regex
const COLOUR = /(\u001B\[(?:[0-2]|22|3\d|9\d)m)/;

/** For a whole output with our own colours in it; what is in it may have been through here before. */
export function forTerminal(text: string): string {
  return text
    .split(COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(HIDDEN, codePoint)))
    .join('');
}

/** Of JSON: reads as the same, and shows as what it is. */
export function jsonForTerminal(json: string): string {
  return json.replace(HIDDEN, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** For any line that is shown: hides nothing, changes nothing that shows. */
export function revealHidden(text: string): string {
  return text
    .replace(HIDDEN, codePoint)
    .replace(WORD, (word) =>
      LATIN_LETTER.test(word) ? word.replace(IMITATING_LETTER, (letter) => letter + codePoint(letter)) : word,
    );
}

/** For lines that look alike and are not: `·` for spaces that hardly show, `→` for tabs, `<U+00A0>` for the rest. */
export function revealAll(text: string): string {
  return revealHidden(text)
    .replace(/^ +| +$| {2,}/g, (spaces) => '·'.repeat(spaces.length))
    .replaceAll('\t', '→')
    .replace(UNUSUAL_SPACE, codePoint)
    .replace(QUIET, codePoint)
    .replace(NOT_ASCII, (character) =>
      COMBINING_JAMO.test(character) || character.normalize('NFC') !== character
        ? character + codePoint(character)
        : character,
    );
}

/** Two texts with the same look can't be told apart on a screen. */
export function look(text: string): string {
  return text.normalize('NFC').replace(HIDDEN, '').replace(QUIET, '').replace(/\s+/gu, ' ').trim();
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return character === '\r' ? '␍' : `<U+${hex}>`;
}
