// @ts-check
/** Pieces that several views are made of. */

import { h } from './dom.js';

/** @typedef {import('./types.d.ts').Child} Child */
/** @typedef {import('./types.d.ts').Evidence} Evidence */

/**
 * @param {string} title
 * @param {...Child} children
 */
export function section(title, ...children) {
  return h('section', {}, h('h2', {}, title), children);
}

/**
 * Label and value; those without a value are left out.
 * @param {readonly (readonly [label: string, value: Child])[]} entries
 * @param {string} [kind] `sums`: short values, many beside each other.
 */
export function facts(entries, kind = '') {
  return h(
    'dl',
    { class: `facts ${kind}` },
    entries
      .filter(([, value]) => value !== null && value !== undefined && value !== false)
      .map(([label, value]) => h('div', {}, h('dt', {}, label), h('dd', {}, value))),
  );
}

/** @param {readonly Evidence[]} evidence */
export function evidenceList(evidence) {
  return h(
    'ul',
    { class: 'evidence' },
    evidence.map(({ kind, words }) =>
      h('li', {}, h('span', { class: 'kind' }, kind.replaceAll('_', ' ')), h('span', {}, words)),
    ),
  );
}

/**
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [hint]
 */
export function field(label, control, hint) {
  return h(
    'label',
    { class: 'field' },
    h('span', { class: 'label' }, label),
    control,
    hint === undefined ? null : h('span', { class: 'hint' }, hint),
  );
}

/**
 * @param {object} options
 * @param {string} options.label
 * @param {string} options.value
 * @param {(text: string) => void} options.onInput
 */
export function filterBox({ label, value, onInput }) {
  const input = h('input', {
    type: 'search',
    'aria-label': label,
    placeholder: label,
    value,
    autocomplete: 'off',
    spellcheck: 'false',
  });
  input.addEventListener('input', () => onInput(input.value));
  return input;
}

/**
 * All words must occur somewhere.
 * @param {string} filter
 * @param {readonly string[]} texts
 */
export function matches(filter, texts) {
  const all = texts.join('\n').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
