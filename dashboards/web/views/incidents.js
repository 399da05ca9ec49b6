// @ts-check
/** All incidents, newest first, page by page. */

import { h, region } from '../dom.js';
import { incidentItem } from '../incident-item.js';
import { countWords } from '../numbers.js';
import { field } from '../parts.js';

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').Incident} Incident */
/** @typedef {import('../types.d.ts').Listed<Incident>} Incidents */

const PAGE_ROWS = 50;
const STATUSES = [
  ['unresolved', 'Not resolved'],
  ['resolved', 'Resolved'],
  ['', 'All'],
];

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<Incidents>}
 */
export function openIncidents(context) {
  const status = h(
    'select',
    {},
    STATUSES.map(([value, label]) => h('option', { value }, label)),
  );
  status.value = context.query.get('status') ?? '';
  let limit = PAGE_ROWS;
  const list = region(h('div', {}));

  status.addEventListener('change', () => {
    limit = PAGE_ROWS;
    context.setAddress('incidents', { status: status.value });
    // What is there is of another status.
    list.show(status.value, () => h('p', { class: 'quiet', role: 'status' }, 'Looking …'));
    void context.reload();
  });
  function showMore() {
    limit += PAGE_ROWS;
    void context.reload();
  }

  return {
    title: 'Incidents',
    element: h(
      'div',
      {},
      h('h1', {}, 'Incidents'),
      h('div', { class: 'controls' }, field('Status', status)),
      list.element,
    ),
    refreshes: true,
    load: (signal) => loadPages(context, status.value, limit, signal),
    show: (incidents) => {
      list.show([incidents.data, incidents.next_cursor !== null], () => [
        h(
          'ul',
          { class: 'incident-list' },
          incidents.data.map((incident) => incidentItem(incident, context)),
        ),
        incidents.data.length === 0 ? h('p', { class: 'quiet' }, 'There are none.') : null,
        incidents.next_cursor === null
          ? null
          : h(
              'p',
              {},
              `The ${countWords(incidents.data.length)} newest are shown. `,
              h('button', { type: 'button', class: 'small', 'data-key': 'more', onclick: showMore }, 'Show more'),
            ),
      ]);
    },
  };
}

/**
 * @param {Context} context
 * @param {string} status
 * @param {number} limit
 * @param {AbortSignal} signal
 * @returns {Promise<Incidents>}
 */
async function loadPages(context, status, limit, signal) {
  /** @type {Incident[]} */
  const data = [];
  /** @type {string | undefined} */
  let cursor;
  do {
    const query = { limit: String(PAGE_ROWS), cursor, status: status === '' ? undefined : status };
    const page = await context.api.incidents(query, signal);
    data.push(...page.data);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && data.length < limit);
  return { data, next_cursor: cursor ?? null };
}
