// @ts-check
/** What prompts and versions cost, and how fast they are. */

import { daemonNowMs } from '../api.js';
import { csvOf, download } from '../csv.js';
import { h, region } from '../dom.js';
import { countWords, formatMoney, moneyWords, parseMoney, plural } from '../numbers.js';
import { facts, filterBox, matches } from '../parts.js';
import { createTable } from '../table.js';
import { timestampOf } from '../time.js';
import { QUALITY, SAVED_TOTALS, TOTALS, groupOf, usageColumns } from '../usage-columns.js';
import { createUsageForm } from '../usage-form.js';
import { qualityColumns } from '../usage-quality.js';

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').UsageRow} UsageRow */
/** @typedef {import('../types.d.ts').Listed<UsageRow>} Usage */

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<{ groups: readonly string[], usage: Usage }>}
 */
export function openUsage(context) {
  /** @type {readonly UsageRow[]} */
  let rows = [];
  /** What the rows are grouped by, which is what was asked when they were asked for. */
  let groups = /** @type {readonly string[]} */ ([]);
  let text = context.query.get('q') ?? '';
  let table = createUsageTable(groups);
  const holder = h('div', {});
  const sums = region(h('div', {}));
  const save = h('button', { type: 'button', onclick: () => saveCsv(table.rows(), groups) }, 'Download CSV');
  const form = createUsageForm(context.query, () => {
    saveAddress();
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

  function saveAddress() {
    context.setAddress('usage', { ...form.address(), q: text });
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
    element: h(
      'div',
      {},
      h('h1', {}, 'Usage'),
      form.element,
      sums.element,
      h('div', { class: 'controls' }, filter, save),
      holder,
    ),
    refreshes: true,
    load: async (signal) => {
      const asked = form.groups();
      const query = { group_by: asked.join(','), ...form.range(), timezone: form.timeZone() };
      return { groups: asked, usage: await context.api.usage(query, signal) };
    },
    show: (answer) => {
      rows = answer.usage.data;
      if (answer.groups.join() !== groups.join()) {
        groups = answer.groups;
        table = createUsageTable(groups);
        holder.replaceChildren(table.element);
      }
      draw();
    },
  };
}

/** @param {readonly string[]} groups */
function createUsageTable(groups) {
  const isByDay = groups.length === 1 && groups[0] === 'day';
  return createTable({
    caption: 'Usage',
    noun: 'row',
    empty: 'No calls were seen in this range.',
    keyOf: (/** @type {UsageRow} */ row) => JSON.stringify(groups.map((key) => groupOf(row, key))),
    columns: usageColumns([...groups, ...TOTALS, ...QUALITY]),
    order: { key: isByDay ? 'day' : 'calls', descending: true },
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
    ...columns.map(({ value }) => /** @type {string | number | null} */ (value(row))),
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
  const unpriced = sum((row) => row.unpriced_calls);
  const searches = sum((row) => row.web_searches);
  const without =
    unpriced === 0 ? null : h('span', { class: 'quiet' }, ` without ${plural(unpriced, 'unpriced call')}`);
  return facts(
    [
      ['Calls', countWords(sum((row) => row.calls))],
      ['Cost', [h('span', { title: `$${cost}` }, moneyWords(cost)), without]],
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
