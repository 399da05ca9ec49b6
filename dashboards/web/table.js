// @ts-check
/**
 * A table that stays quick with ten thousand rows, because only the first are in the document.
 * Becomes a list of cards on a phone.
 */

import { h } from './dom.js';
import { keyedRows } from './keyed-rows.js';
import { countWords, plural } from './numbers.js';

/**
 * @template Row
 * @typedef {import('./types.d.ts').Column<Row>} Column
 */
/** @typedef {{ key: string, descending: boolean }} Order */

const ROWS_AT_ONCE = 200;

/**
 * @template Row
 * @param {object} options
 * @param {string} options.caption
 * @param {string} options.noun What a row is, for `200 of 10,000 targets`.
 * @param {readonly Column<Row>[]} options.columns
 * @param {(row: Row) => string} options.keyOf
 * @param {string} options.empty What to say when there are no rows.
 * @param {Order} [options.order] Default: as given.
 * @param {string} [options.sort] What a person chose before, as `onSort` told it: `cost`, or `-cost` from the largest down.
 * @param {(sort: string) => void} [options.onSort]
 */
export function createTable({ caption, noun, columns, keyOf, empty, order, sort, onSort }) {
  /** @type {readonly Row[]} */
  let rows = [];
  let limit = ROWS_AT_ONCE;
  let current = readOrder(sort ?? '', columns) ?? order ?? null;

  const headings = columns.map((column) => headingOf(column, () => sortBy(column)));
  const body = h('tbody', { role: 'rowgroup' });
  const showRows = keyedRows(body, columns, keyOf);
  const table = h(
    'table',
    { role: 'table' },
    h('caption', { class: 'unseen' }, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, headings)),
    body,
  );
  const foot = h('p', { class: 'table-foot' });
  table.hidden = true;

  /** @param {Column<Row>} column */
  function sortBy(column) {
    const isSame = current?.key === column.key;
    // Numbers are mostly looked at from the largest down, names from A.
    const descending = isSame ? !current?.descending : column.isNumber === true;
    current = { key: column.key, descending };
    onSort?.(`${descending ? '-' : ''}${column.key}`);
    draw();
  }

  function draw() {
    for (const [index, heading] of headings.entries()) {
      const isSorted = columns[index]?.key === current?.key;
      if (isSorted) heading.setAttribute('aria-sort', current?.descending ? 'descending' : 'ascending');
      else heading.removeAttribute('aria-sort');
    }
    showRows(sorted(rows, columns, current).slice(0, limit));
    for (const [index, { says }] of columns.entries()) {
      const cells = [headings[index], ...[...body.children].map((row) => row.children[index])];
      const isHidden = says !== undefined && !rows.some(says);
      for (const cell of cells) cell?.toggleAttribute('hidden', isHidden);
    }
    foot.replaceChildren(...footOf());
    table.hidden = rows.length === 0;
  }

  function footOf() {
    if (rows.length === 0) return [empty];
    if (rows.length <= limit) return [];
    const more = Math.min(ROWS_AT_ONCE, rows.length - limit);
    const onclick = () => {
      limit += ROWS_AT_ONCE;
      draw();
    };
    const button = h('button', { type: 'button', class: 'small', onclick }, `Show ${countWords(more)} more`);
    return [`${countWords(limit)} of ${plural(rows.length, noun)} `, button];
  }

  return {
    element: h('div', { class: 'table' }, table, foot),
    show: (/** @type {readonly Row[]} */ next) => {
      rows = next;
      draw();
    },
    /** All rows, also those that are not in the document, in the order shown. */
    rows: () => sorted(rows, columns, current),
  };
}

/**
 * Null where no column can be sorted like that.
 * @template Row
 * @param {string} sort
 * @param {readonly Column<Row>[]} columns
 * @returns {Order | null}
 */
function readOrder(sort, columns) {
  const key = sort.replace(/^-/, '');
  const canSort = columns.some((column) => column.key === key && column.compare !== undefined);
  return canSort ? { key, descending: sort.startsWith('-') } : null;
}

/**
 * @template Row
 * @param {readonly Row[]} rows
 * @param {readonly Column<Row>[]} columns
 * @param {Order | null} order
 */
function sorted(rows, columns, order) {
  const compare = columns.find(({ key }) => key === order?.key)?.compare;
  if (compare === undefined) return rows;
  const sign = order?.descending ? -1 : 1;
  return rows.toSorted((a, b) => sign * compare(a, b));
}

/**
 * @template Row
 * @param {Column<Row>} column
 * @param {() => void} sort
 */
function headingOf(column, sort) {
  const label =
    column.compare === undefined ? column.label : h('button', { type: 'button', onclick: sort }, column.label);
  return h('th', { scope: 'col', role: 'columnheader', class: column.isNumber ? 'number' : null }, label);
}
