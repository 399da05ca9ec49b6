// @ts-check
/** A field for a time in UTC: a browser's own date field would ask for local time. */

import { h } from './dom.js';

const FORMAT = /^(\d{4}-\d{2}-\d{2})(?:[Tt ]+(\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?)?\s*(?:UTC|Z|z|([+-]\d{2}:\d{2}))?$/;

/**
 * `2026-11-20 02:47`, with seconds, with an offset, as RFC 3339, to RFC 3339; null if it is none.
 * @param {string} text
 */
export function readTime(text) {
  const match = FORMAT.exec(text.trim());
  if (match === null) return null;
  const [, date, minutes = '00:00', seconds = ':00', offset = 'Z'] = match;
  const time = `${date}T${minutes}${seconds}${offset}`;
  return Number.isNaN(Date.parse(time)) ? null : time;
}

/** @param {{ name: string, value: string, isRequired?: boolean }} options */
export function timeInput({ name, value, isRequired = false }) {
  const input = h('input', {
    name,
    value: value.replace(/^(\S+)T(\S+)Z$/, '$1 $2'),
    required: isRequired,
    placeholder: '2026-11-20 02:47',
    autocomplete: 'off',
    spellcheck: 'false',
    class: 'time',
  });
  input.addEventListener('input', () => {
    const isFine = input.value.trim() === '' || readTime(input.value) !== null;
    input.setCustomValidity(isFine ? '' : 'Write a time in UTC such as 2026-11-20 02:47.');
  });
  return input;
}
