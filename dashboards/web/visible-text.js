// @ts-check
/** Text for reading: nothing in it can hide, or reorder its surroundings. */

/** Control characters, zero-width and bidirectional marks, tags, lone surrogates: as `src/text/invisible.ts` has them. */
const HIDDEN =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\u{E0000}-\u{E0FFF}\p{Cs}]/gu;

/**
 * Text with every hidden character shown as `<U+200B>`, marked as what the text does not say so itself.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function visible(text) {
  /** @type {(Node | string)[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    const mark = document.createElement('span');
    mark.className = 'hidden-character';
    mark.textContent = codePoint(match[0]);
    parts.push(mark);
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/**
 * The same where there is room for text alone.
 * @param {string} text
 */
export function visibleText(text) {
  return text.replaceAll(HIDDEN, codePoint);
}

/** @param {string} character */
function codePoint(character) {
  if (character === '\r') return '␍';
  return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`;
}
