// @ts-check
/** Prompt texts for reading. */

import { h } from './dom.js';

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
    h('pre', { class: 'prompt-text', tabindex: '0' }, text),
  );
}
