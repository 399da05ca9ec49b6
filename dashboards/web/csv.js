// @ts-check
/** A table as a CSV file (RFC 4180), safe to open in a spreadsheet. */

import { h } from './dom.js';

/**
 * @param {readonly (readonly (string | number | null)[])[]} rows The first has the headings.
 */
export function csvOf(rows) {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** @param {string | number | null} value */
function cell(value) {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  // Spreadsheets take a text that begins like this for a formula, and names come from strangers.
  const text = /^[=+\-@\t\r]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {string} name
 * @param {string} content
 */
export function download(name, content) {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/csv;charset=utf-8' }));
  h('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
