// @ts-check
/** The rows of a table's body, each kept under its key: a new value touches only its own cell. */

import { h, nodes } from './dom.js';

/**
 * @template Row
 * @typedef {import('./types.d.ts').Column<Row>} Column
 */
/** @typedef {{ element: HTMLElement, cells: { element: HTMLElement, value: string }[] }} Kept */

/**
 * @template Row
 * @param {HTMLElement} body
 * @param {readonly Column<Row>[]} columns
 * @param {(row: Row) => string} keyOf
 */
export function keyedRows(body, columns, keyOf) {
  /** @type {Map<string, Kept>} */
  let shown = new Map();

  /**
   * @param {Row} row
   * @returns {Kept}
   */
  function keep(row) {
    const known = shown.get(keyOf(row));
    if (known !== undefined) {
      update(known, row, columns);
      return known;
    }
    const cells = columns.map((column, index) => ({
      element: cellOf(column, row, index === 0),
      value: valueOf(column, row),
    }));
    const elements = cells.map(({ element }) => element);
    return { element: h('tr', { role: 'row' }, elements), cells };
  }

  /** @param {readonly Row[]} rows */
  return function show(rows) {
    const next = new Map(rows.map((row) => [keyOf(row), keep(row)]));
    for (const [key, { element }] of shown) if (!next.has(key)) element.remove();
    // Only what is out of place moves: moving takes the focus away.
    let place = body.firstElementChild;
    for (const { element } of next.values()) {
      if (element === place) place = place.nextElementSibling;
      else body.insertBefore(element, place);
    }
    shown = next;
  };
}

/**
 * @template Row
 * @param {Kept} kept
 * @param {Row} row
 * @param {readonly Column<Row>[]} columns
 */
function update({ cells }, row, columns) {
  for (const [index, column] of columns.entries()) {
    const cell = cells[index];
    const value = valueOf(column, row);
    if (cell === undefined || cell.value === value) continue;
    cell.value = value;
    cell.element.firstElementChild?.replaceChildren(...nodes(column.cell(row)));
  }
}

/**
 * @template Row
 * @param {Column<Row>} column
 * @param {Row} row
 * @param {boolean} isHeading
 */
function cellOf(column, row, isHeading) {
  const kind = column.isNumber ? 'number' : column.isWords ? 'words' : null;
  const attributes = { class: kind, 'data-label': column.label };
  // One child, so that a card on a phone has two columns: label and content.
  const content = h('div', {}, column.cell(row));
  return isHeading
    ? h('th', { ...attributes, scope: 'row', role: 'rowheader' }, content)
    : h('td', { ...attributes, role: 'cell' }, content);
}

/**
 * @template Row
 * @param {Column<Row>} column
 * @param {Row} row
 */
function valueOf(column, row) {
  return JSON.stringify(column.value(row)) ?? '';
}
