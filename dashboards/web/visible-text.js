// @ts-check
/** Prompt texts for reading: nothing in them can hide, reorder its surroundings, or become markup. */

import { h } from './dom.js';

/** Control characters, zero-width and bidirectional marks, tags, lone surrogates. */
const HIDDEN =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u180B-\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\u{E0000}-\u{E0FFF}\p{Cs}]/gu;

/**
 * Text with every hidden character shown as `<U+200B>`.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function visible(text) {
  /** @type {(Node | string)[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push(h('span', { class: 'hidden-character' }, codePoint(match[0])));
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/** @param {string} character */
function codePoint(character) {
  if (character === '\r') return '␍';
  return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`;
}

/**
 * A prompt's text behind a line that opens it.
 * @param {string} label
 * @param {string} text
 * @param {string} key Unique in its region, so that a refresh leaves it open.
 */
export function promptText(label, text, key) {
  return h(
    'details',
    { 'data-key': key },
    h('summary', {}, label),
    h('pre', { class: 'prompt-text', tabindex: '0' }, ...visible(text)),
  );
}
