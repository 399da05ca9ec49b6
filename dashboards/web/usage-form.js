// @ts-check
/** What a person asks about usage: grouped by what, in which range. All of it is in the address. */

import { daemonNowMs } from './api.js';
import { h } from './dom.js';
import { field } from './parts.js';
import { readTime, timeInput } from './time-input.js';
import { timestampOf } from './time.js';
import { GROUPS } from './usage-columns.js';

/** @typedef {import('./types.d.ts').Query} Query */

const HOUR_MS = 3_600_000;
const CUSTOM = 'custom';
const UTC = 'UTC';
/** Value, label, length. */
const RANGES = /** @type {const} */ ([
  ['1h', 'The last hour', HOUR_MS],
  ['24h', 'The last 24 hours', 24 * HOUR_MS],
  ['7d', 'The last 7 days', 7 * 24 * HOUR_MS],
  ['30d', 'The last 30 days', 30 * 24 * HOUR_MS],
]);

/**
 * @param {URLSearchParams} query
 * @param {() => void} onChange
 */
export function createUsageForm(query, onChange) {
  const groups = createGroups((query.get('group_by') ?? 'prompt,version').split(','));
  const range = h(
    'select',
    {},
    RANGES.map(([value, label]) => h('option', { value }, label)),
    h('option', { value: CUSTOM }, 'From … to …'),
  );
  const zone = zoneChoice(query.get('timezone'));
  const from = timeInput({ name: 'from', value: query.get('from') ?? '' });
  const to = timeInput({ name: 'to', value: query.get('to') ?? '' });
  const span = h('div', { class: 'controls' }, field('From', from), field('To', to, 'UTC; empty means now'));

  /** What was typed to its end: a refresh does not ask for half a time. */
  let typed = { from: from.value, to: to.value };
  range.value = from.value === '' && to.value === '' ? (query.get('range') ?? '24h') : CUSTOM;
  if (range.value === '') range.value = '24h';
  span.hidden = range.value !== CUSTOM;

  range.addEventListener('change', () => {
    span.hidden = range.value !== CUSTOM;
    // There is nothing to ask before a time is typed.
    if (span.hidden) onChange();
    else from.focus();
  });
  groups.element.addEventListener('change', onChange);
  zone.addEventListener('change', onChange);
  for (const input of [from, to]) {
    input.addEventListener('change', () => {
      if (!input.reportValidity()) return;
      typed = { from: from.value, to: to.value };
      onChange();
    });
  }

  return {
    element: h(
      'div',
      {},
      h('div', { class: 'controls' }, field('Range', range), groups.element, field('Days of', zone)),
      span,
    ),
    groups: groups.chosen,
    timeZone: () => zone.value,
    /**
     * Why this can't be asked, or null.
     * @returns {string | null}
     */
    problem: () => {
      if (range.value !== CUSTOM) return null;
      const wrong = [typed.from, typed.to].find((text) => text.trim() !== '' && readTime(text) === null);
      if (wrong !== undefined) return `${wrong} is not a time such as 2026-11-20 02:47.`;
      const [begin, end] = [typed.from, typed.to].map((text) => Date.parse(readTime(text) ?? ''));
      return Number(begin) > Number(end) ? 'The range ends before it begins.' : null;
    },
    /**
     * For the API.
     * @returns {Query}
     */
    range: () => {
      if (range.value === CUSTOM)
        return { from: readTime(typed.from) ?? undefined, to: readTime(typed.to) ?? undefined };
      const lengthMs = RANGES.find(([value]) => value === range.value)?.[2] ?? HOUR_MS;
      return { from: timestampOf(daemonNowMs() - lengthMs) };
    },
    /**
     * For the address.
     * @returns {Query}
     */
    address: () => ({
      group_by: groups.chosen().join(','),
      ...(zone.value === UTC ? {} : { timezone: zone.value }),
      ...(range.value === CUSTOM ? typed : { range: range.value }),
    }),
  };
}

/**
 * This reader's own, beside UTC and the one of the address.
 * @param {string | null} wanted
 */
function zoneChoice(wanted) {
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = new Set([UTC, own, ...(wanted === null ? [] : [wanted])]);
  const select = h(
    'select',
    {},
    [...zones].map((value) => h('option', { value }, value)),
  );
  select.value = wanted ?? UTC;
  return select;
}

/** @param {readonly string[]} wanted */
function createGroups(wanted) {
  const boxes = Object.entries(GROUPS).map(([key, label]) => {
    const input = h('input', { type: 'checkbox', name: key });
    input.checked = wanted.includes(key);
    return { key, input, element: h('label', { class: 'choice' }, input, label) };
  });
  const chosen = () => boxes.filter(({ input }) => input.checked).map(({ key }) => key);
  const element = h(
    'fieldset',
    { class: 'choices' },
    h('legend', {}, 'Group by'),
    boxes.map((box) => box.element),
  );
  element.addEventListener('change', (event) => {
    // The last one stays: without any group there is nothing to ask.
    if (chosen().length === 0 && event.target instanceof HTMLInputElement) event.target.checked = true;
  });
  if (chosen().length === 0 && boxes[0] !== undefined) boxes[0].input.checked = true;
  return { element, chosen };
}
