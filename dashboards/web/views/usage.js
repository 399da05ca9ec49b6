// @ts-check
/** What prompts and versions cost, and how fast they are. */

import { daemonNowMs } from '../api.js';
import { csvOf, download } from '../csv.js';
import { h, region } from '../dom.js';
import { countWords, formatMoney, parseMoney, plural } from '../numbers.js';
import { facts, filterBox, matches } from '../parts.js';
import { createTable } from '../table.js';
import { exactTimeWords, millisOf, timestampOf } from '../time.js';
import { QUALITY, SAVED_TOTALS, TOTALS, costWords, groupOf, usageColumns } from '../usage-columns.js';
import { createUsageForm } from '../usage-form.js';
import { qualityColumns } from '../usage-quality.js';

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').UsageRow} UsageRow */
/** @typedef {import('../types.d.ts').Query} Query */
/** `groups` and `range`: what was asked. `rows` is null when that can't be asked. */
/** @typedef {{ groups: readonly string[], range: Query, rows: readonly UsageRow[] | null }} Data */

const DAY_MS = 86_400_000;

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<Data>}
 */
export function openUsage(context) {
  /** @type {readonly UsageRow[]} */
  let rows = [];
  /** What the rows are grouped by, which is what was asked when they were asked for. */
  let groups = /** @type {readonly string[]} */ ([]);
  let text = context.query.get('q') ?? '';
  let sort = context.query.get('sort') ?? '';
  let table = createUsageTable(groups, sort, setSort);
  const holder = h('div', {});
  const period = region(h('p', { class: 'quiet' }));
  const sums = region(h('div', {}));
  const save = h('button', { type: 'button', onclick: () => saveCsv(table.rows(), groups) }, 'Download CSV');
  const waiting = h('p', { class: 'quiet', role: 'status' });
  const form = createUsageForm(context.query, () => {
    saveAddress();
    // What is there answers another question.
    holdBack(form.problem() ?? 'Adding up …');
    void context.reload();
  });
  const filter = filterBox({
    label: 'Filter rows',
    value: text,
    onInput: (typed) => {
      text = typed;
      saveAddress();
      draw();
    },
  });

  const answer = h('div', {}, period.element, sums.element, h('div', { class: 'controls' }, filter, save), holder);
  answer.hidden = true;

  /** @param {string | null} why Null shows the answer. */
  function holdBack(why) {
    answer.hidden = why !== null;
    waiting.hidden = why === null;
    waiting.textContent = why;
  }

  /** @param {string} chosen */
  function setSort(chosen) {
    sort = chosen;
    saveAddress();
  }

  function saveAddress() {
    context.setAddress('usage', { ...form.address(), sort, q: text });
  }

  function draw() {
    const visible = rows.filter((row) =>
      matches(
        text,
        groups.map((key) => groupOf(row, key)),
      ),
    );
    sums.show(visible, () => totals(visible));
    table.show(visible);
    save.textContent = `Download CSV (${plural(visible.length, 'row')})`;
  }

  return {
    title: 'Usage',
    element: h('div', { class: 'wide' }, h('h1', {}, 'Usage'), form.element, waiting, answer),
    refreshes: true,
    load: async (signal) => {
      const asked = { groups: form.groups(), range: form.range() };
      if (form.problem() !== null) return { ...asked, rows: null };
      const query = { group_by: asked.groups.join(','), ...asked.range, timezone: form.timeZone() };
      const usage = await context.api.usage(query, signal);
      return { ...asked, rows: usage.data };
    },
    show: (data) => {
      holdBack(form.problem());
      if (data.rows === null) return;
      rows = data.rows;
      if (data.groups.join() !== groups.join()) {
        groups = data.groups;
        table = createUsageTable(groups, sort, setSort);
        holder.replaceChildren(table.element);
      }
      period.show(data.range, () => periodWords(data.range));
      draw();
    },
  };
}

/** As the API understands it: without a beginning, a day. @param {Query} range */
function periodWords({ from, to }) {
  const begin = from ?? timestampOf((to === undefined ? daemonNowMs() : millisOf(to)) - DAY_MS);
  return `Calls that began from ${utcWords(begin)} until ${to === undefined ? 'now' : utcWords(to)}.`;
}

/** A time that may have been typed with an offset. @param {string} time */
function utcWords(time) {
  return exactTimeWords(time.endsWith('Z') ? time : new Date(time).toISOString());
}

/**
 * @param {readonly string[]} groups
 * @param {string} sort
 * @param {(sort: string) => void} onSort
 */
function createUsageTable(groups, sort, onSort) {
  const isByDay = groups.length === 1 && groups[0] === 'day';
  return createTable({
    caption: 'Usage',
    noun: 'row',
    empty: 'No calls of this range match.',
    keyOf: (/** @type {UsageRow} */ row) => JSON.stringify(groups.map((key) => groupOf(row, key))),
    columns: usageColumns([...groups, ...TOTALS, ...QUALITY]),
    order: { key: isByDay ? 'day' : 'calls', descending: true },
    sort,
    onSort,
  });
}

/**
 * Exact values, as the API gives them.
 * @param {readonly UsageRow[]} rows
 * @param {readonly string[]} groups
 */
function saveCsv(rows, groups) {
  const columns = usageColumns([...groups, ...SAVED_TOTALS]);
  const parts = partsIn(rows);
  const quality = qualityColumns(rows);
  const lines = rows.map((row) => [
    ...columns.map(({ value, saved = value }) => /** @type {string | number | null} */ (saved(row))),
    ...parts.map((part) => row.token_parts[part] ?? 0),
    ...quality.map(({ value }) => value(row)),
  ]);
  const heads = [
    ...columns.map(({ file }) => file),
    ...parts.map((part) => `${part}_tokens`),
    ...quality.map(({ file }) => file),
  ];
  const name = `plumbline-usage-${timestampOf(daemonNowMs()).replaceAll(':', '')}.csv`;
  download(name, csvOf([heads, ...lines]));
}

/**
 * Audio, images and other parts that have prices of their own: most usage has none.
 * @param {readonly UsageRow[]} rows
 */
function partsIn(rows) {
  return [...new Set(rows.flatMap((row) => Object.keys(row.token_parts)))].toSorted();
}

/** @param {readonly UsageRow[]} rows */
function totals(rows) {
  if (rows.length === 0) return null;
  const sum = (/** @type {(row: UsageRow) => number} */ read) => rows.reduce((total, row) => total + read(row), 0);
  const cost = formatMoney(rows.reduce((total, row) => total + parseMoney(row.cost_usd), 0n));
  const calls = sum((row) => row.calls);
  const unpriced = sum((row) => row.unpriced_calls);
  const searches = sum((row) => row.web_searches);
  const isPartly = unpriced > 0 && unpriced < calls;
  const without = isPartly ? h('span', { class: 'quiet' }, ` without ${plural(unpriced, 'unpriced call')}`) : null;
  return facts(
    [
      ['Calls', countWords(calls)],
      ['Cost', [costWords(cost, calls - unpriced), without]],
      ['Input tokens', countWords(sum((row) => row.input_tokens))],
      ['Output tokens', countWords(sum((row) => row.output_tokens))],
      ...partsIn(rows).map((part) => {
        const of = sum((row) => row.token_parts[part] ?? 0);
        return /** @type {const} */ ([`of them ${part.replaceAll('_', ' ')}`, countWords(of)]);
      }),
      ...(searches === 0 ? [] : [/** @type {const} */ (['Web searches', countWords(searches)])]),
      ['Errors', countWords(sum((row) => row.errors))],
    ],
    'sums',
  );
}
