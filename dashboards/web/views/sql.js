// @ts-check
/** A question in SQL, and its answer as a table: asked only when somebody says so, never by an address alone. */

import { ApiProblem, daemonNowMs } from '../api.js';
import { csvOf, download } from '../csv.js';
import { h } from '../dom.js';
import { countWords, plural } from '../numbers.js';
import { field } from '../parts.js';
import { SQL_EXAMPLES } from '../sql-examples.js';
import { createTable } from '../table.js';
import { timestampOf } from '../time.js';

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').SqlAnswer} SqlAnswer */
/** @typedef {{ index: number, values: readonly unknown[] }} Row */
/** @typedef {{ answer: SqlAnswer, tookMs: number } | { problem: ApiProblem } | null} Data */

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<Data>}
 */
export function openSql(context) {
  let isAsked = false;
  const query = h('textarea', { name: 'query', rows: '10', spellcheck: 'false', autocomplete: 'off' });
  query.value = context.query.get('query') ?? SQL_EXAMPLES[0]?.[1] ?? '';
  const submit = h('button', { type: 'submit', class: 'primary' }, 'Ask');
  const result = h('div', { role: 'status' });

  /** @param {Event} event */
  function ask(event) {
    event.preventDefault();
    isAsked = true;
    context.setAddress('sql', { query: query.value });
    result.replaceChildren(h('p', { class: 'quiet' }, 'Asking …'));
    void context.reload();
  }
  /** @param {Event} event */
  function askByKey(event) {
    if (event instanceof KeyboardEvent && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) ask(event);
  }
  query.addEventListener('keydown', askByKey);

  const examples = SQL_EXAMPLES.map(([label, text]) => {
    const onclick = () => {
      query.value = text;
      query.focus();
    };
    return h('button', { type: 'button', class: 'small', onclick }, label);
  });

  return {
    title: 'SQL',
    element: h(
      'div',
      { class: 'wide' },
      h('h1', {}, 'Ask in SQL'),
      h(
        'p',
        { class: 'quiet' },
        'One SELECT over ',
        h('code', {}, 'calls'),
        ', ',
        h('code', {}, 'incidents_now'),
        ' and ',
        h('code', {}, 'targets_now'),
        '. It reads and does nothing else.',
      ),
      h('div', { class: 'actions' }, examples),
      h(
        'form',
        { class: 'sql', onsubmit: ask },
        field('Question', query, 'Ctrl and Enter asks.'),
        h('div', { class: 'actions' }, submit),
      ),
      result,
    ),
    refreshes: false,
    load: async (signal) => {
      if (!isAsked) return null;
      const begunMs = performance.now();
      try {
        const answer = await context.api.sql(query.value, signal);
        return { answer, tookMs: performance.now() - begunMs };
      } catch (error) {
        // What is wrong with the question stands below it, and the question stays.
        if (error instanceof ApiProblem && error.status !== 401 && error.status !== 403) return { problem: error };
        throw error;
      }
    },
    show: (data) => {
      if (data === null) return;
      if ('problem' in data) result.replaceChildren(problemOf(data.problem));
      else result.replaceChildren(...answerOf(data.answer, data.tookMs));
    },
  };
}

/** @param {ApiProblem} problem */
function problemOf({ message, hint }) {
  return h('div', {}, h('p', { class: 'bad-words' }, message), hint === '' ? null : h('p', { class: 'quiet' }, hint));
}

/**
 * @param {SqlAnswer} answer
 * @param {number} tookMs
 */
function answerOf({ meta, data }, tookMs) {
  const table = createTable({
    caption: 'Answer',
    noun: 'row',
    empty: 'No rows.',
    keyOf: (/** @type {Row} */ row) => String(row.index),
    columns: meta.map(({ name, type }, at) => columnOf(name, isNumeric(type), at)),
  });
  table.show(data.map((values, index) => ({ index, values })));
  const save = () => saveCsv(meta, table.rows());
  return [
    h(
      'div',
      { class: 'controls' },
      h('p', {}, `${plural(data.length, 'row')} in ${countWords(Math.round(tookMs))} ms`),
      h('button', { type: 'button', onclick: save }, 'Download CSV'),
    ),
    table.element,
  ];
}

/**
 * @param {string} name
 * @param {boolean} isNumber
 * @param {number} at
 * @returns {import('../types.d.ts').Column<Row>}
 */
function columnOf(name, isNumber, at) {
  const read = (/** @type {Row} */ { values }) => values[at] ?? null;
  return {
    key: String(at),
    label: name,
    isNumber,
    value: read,
    cell: (row) => String(textOf(read(row)) ?? '–'),
    compare: (a, b) => compare(read(a), read(b), isNumber),
  };
}

/** Also where it may be null, and of long ones, which come as texts. @param {string} type */
function isNumeric(type) {
  return /^(?:Nullable\()?(?:U?Int|Float|Decimal|BFloat)/.test(type);
}

/**
 * Null is the least.
 * @param {unknown} a
 * @param {unknown} b
 * @param {boolean} areNumbers
 */
function compare(a, b, areNumbers) {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (areNumbers) return Number(a) - Number(b);
  return String(textOf(a)).localeCompare(String(textOf(b)));
}

/** @param {unknown} value */
function textOf(value) {
  return value === null || typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value);
}

/**
 * @param {SqlAnswer['meta']} meta
 * @param {readonly Row[]} rows
 */
function saveCsv(meta, rows) {
  const name = `plumbline-sql-${timestampOf(daemonNowMs()).replaceAll(':', '')}.csv`;
  download(name, csvOf([meta.map(({ name: column }) => column), ...rows.map(({ values }) => values.map(textOf))]));
}
