// @ts-check
/** The columns of usage: how each is shown, sorted, and written to a file. */

import { h } from './dom.js';
import { countWords, formatMoney, latencyWords, moneyWords, parseMoney, plural, shareWords } from './numbers.js';
import { declaredWords, endedOtherwise, endedWords, judgedWords } from './usage-quality.js';
import { contentWords } from './words.js';

/** @typedef {import('./types.d.ts').UsageRow} UsageRow */
/** `file`: its name there; `saved`: what is written there, unless that is `value`. */
/** @typedef {import('./types.d.ts').Column<UsageRow> & { file: string, saved?: (row: UsageRow) => string | number }} UsageColumn */

/** What usage can be grouped by, with its heading. */
export const GROUPS = {
  prompt: 'Prompt',
  version: 'Version',
  model: 'Model',
  service: 'Service',
  owner: 'Owner',
  environment: 'Environment',
  service_tier: 'Service tier',
  day: 'Day',
};

/** Key, heading, name in a file, value. @type {readonly (readonly [string, string, string, (row: UsageRow) => number])[]} */
const COUNTS = [
  ['calls', 'Calls', 'calls', (row) => row.calls],
  ['input_tokens', 'Input tokens', 'input_tokens', (row) => row.input_tokens],
  ['cache_read_tokens', 'of it cached', 'cache_read_tokens', (row) => row.cache_read_tokens],
  ['output_tokens', 'Output tokens', 'output_tokens', (row) => row.output_tokens],
  ['cache_write_tokens', 'of it written to a cache', 'cache_write_tokens', (row) => row.cache_write_tokens],
  ['reasoning_tokens', 'of it reasoning', 'reasoning_tokens', (row) => row.reasoning_tokens],
  ['web_searches', 'Web searches', 'web_searches', (row) => row.web_searches],
  ['unpriced', 'Unpriced calls', 'unpriced_calls', (row) => row.unpriced_calls],
];

const P95 = 'p95';
/** Of fewer calls 95 of 100 are all of them but for a part of one. */
const P95_CALLS_MIN = 20;

/** @type {readonly (readonly [string, string, string, (row: UsageRow) => number | null])[]} */
const LATENCIES = [
  ['p50', 'Latency p50', 'latency_ms_p50', (row) => row.latency_ms.p50],
  [P95, 'p95', 'latency_ms_p95', (row) => row.latency_ms.p95],
  ['p99', 'p99', 'latency_ms_p99', (row) => row.latency_ms.p99],
  ['first_p50', 'First token p50', 'first_token_ms_p50', (row) => row.first_token_ms.p50],
  ['first_p95', 'p95', 'first_token_ms_p95', (row) => row.first_token_ms.p95],
  ['first_p99', 'p99', 'first_token_ms_p99', (row) => row.first_token_ms.p99],
];

/**
 * What is told in words, and of which rows it is worth the room.
 * @type {readonly (readonly [string, string, (row: UsageRow) => string, (row: UsageRow) => boolean])[]}
 */
const WORDS = [
  ['ended', 'Ended by', endedWords, endedOtherwise],
  ['judged', 'Judged', judgedWords, (row) => judgedWords(row) !== ''],
  ['declared', 'Declared', declaredWords, (row) => declaredWords(row) !== ''],
];

/** The columns after the groups that are numbers, in their order. */
export const TOTALS = [
  'calls',
  'errors',
  'input_tokens',
  'cache_read_tokens',
  'output_tokens',
  'cost',
  'cost_of_call',
  'unpriced',
  'p50',
  'p95',
];

/** After them, of what a file has the numbers. */
export const QUALITY = ['ended', 'judged', 'declared'];

/** Those that a file has as well, where there is room for them. */
export const SAVED_TOTALS = [
  ...TOTALS.filter((key) => key !== 'cost_of_call'),
  'cache_write_tokens',
  'reasoning_tokens',
  'p99',
  'first_p50',
  'first_p95',
  'first_p99',
  'web_searches',
];

/**
 * @param {readonly string[]} keys
 * @returns {readonly UsageColumn[]}
 */
export function usageColumns(keys) {
  return keys.map((key) => {
    const count = COUNTS.find(([name]) => name === key);
    if (count !== undefined) return countColumn(...count);
    if (key === 'errors') return ERRORS;
    if (key === 'cost_of_call') return COST_OF_CALL;
    const latency = LATENCIES.find(([name]) => name === key);
    if (latency !== undefined) return latencyColumn(...latency);
    const words = WORDS.find(([name]) => name === key);
    if (words !== undefined) return wordsColumn(...words);
    return key === 'cost' ? COST : groupColumn(key);
  });
}

/** @type {UsageColumn} */
const ERRORS = {
  ...countColumn('errors', 'Errors', 'errors', (row) => row.errors),
  value: (row) => [row.errors, row.calls],
  saved: (row) => row.errors,
  cell: (row) => {
    if (row.errors === 0) return '0';
    return [countWords(row.errors), ' ', h('span', { class: 'quiet' }, shareWords(row.errors, row.calls))];
  },
};

/** @type {UsageColumn} */
const COST = {
  key: 'cost',
  label: 'Cost',
  file: 'cost_usd',
  isNumber: true,
  value: (row) => [row.cost_usd, pricedCalls(row)],
  saved: (row) => row.cost_usd,
  cell: (row) => costWords(row.cost_usd, pricedCalls(row)),
  // What is not priced at all is below what costs nothing.
  compare: (a, b) => signOf(sortableCost(a) - sortableCost(b)),
};

/** What versions are compared by: their sums say first how often each was called. @type {UsageColumn} */
const COST_OF_CALL = {
  key: 'cost_of_call',
  label: 'a call',
  file: 'cost_usd_of_priced_call',
  isNumber: true,
  value: (row) => [row.cost_usd, pricedCalls(row)],
  cell: (row) => (pricedCalls(row) === 0 ? '–' : moneyWords(formatMoney(costOfCall(row)))),
  compare: (a, b) => signOf(costOfCall(a) - costOfCall(b)),
};

/** @param {UsageRow} row */
function pricedCalls(row) {
  return row.calls - row.unpriced_calls;
}

/**
 * In units of money, cut; below zero when no call of it has a price.
 * @param {UsageRow} row
 */
function costOfCall(row) {
  const calls = pricedCalls(row);
  return calls > 0 ? parseMoney(row.cost_usd) / BigInt(calls) : -1n;
}

/** @param {UsageRow} row */
function sortableCost(row) {
  return pricedCalls(row) > 0 ? parseMoney(row.cost_usd) : -1n;
}

/** @param {bigint} difference */
function signOf(difference) {
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/**
 * Not priced is not free.
 * @param {string} cost
 * @param {number} priced How many calls of it have a price.
 */
export function costWords(cost, priced) {
  if (priced === 0) return h('span', { class: 'quiet' }, 'not priced');
  return h('span', { title: `$${cost}` }, moneyWords(cost));
}

/**
 * @param {string} key
 * @param {string} label
 * @param {string} file
 * @param {(row: UsageRow) => number} read
 * @returns {UsageColumn}
 */
function countColumn(key, label, file, read) {
  return {
    key,
    label,
    file,
    isNumber: true,
    value: read,
    cell: (row) => countWords(read(row)),
    compare: (a, b) => read(a) - read(b),
  };
}

/**
 * @param {string} key
 * @param {string} label
 * @param {string} file
 * @param {(row: UsageRow) => number | null} read
 * @returns {UsageColumn}
 */
function latencyColumn(key, label, file, read) {
  // What was never measured is at the end, whichever end that is.
  return {
    key,
    label,
    file,
    isNumber: true,
    value: read,
    cell: (row) => (key === P95 && isOfFew(row) ? fewWords(row, read(row)) : latencyWords(read(row))),
    compare: (a, b) => (read(a) ?? -1) - (read(b) ?? -1),
  };
}

/** @param {UsageRow} row */
function isOfFew(row) {
  return row.calls < P95_CALLS_MIN;
}

/**
 * @param {UsageRow} row
 * @param {number | null} millis
 */
function fewWords({ calls }, millis) {
  if (millis === null) return latencyWords(millis);
  const title = `of ${plural(calls, 'call')}: hardly more than the slowest`;
  return h('span', { class: 'quiet', title }, `~${latencyWords(millis)}`);
}

/**
 * @param {string} key
 * @param {string} label
 * @param {(row: UsageRow) => string} read
 * @param {(row: UsageRow) => boolean} says
 * @returns {UsageColumn}
 */
function wordsColumn(key, label, read, says) {
  const compare = (/** @type {UsageRow} */ a, /** @type {UsageRow} */ b) => read(a).localeCompare(read(b));
  return { key, label, file: key, isWords: true, value: read, cell: read, compare, says };
}

/**
 * @param {string} key
 * @returns {UsageColumn}
 */
function groupColumn(key) {
  const label = Object.entries(GROUPS).find(([name]) => name === key)?.[1] ?? key;
  return {
    key,
    label,
    file: key,
    value: (row) => groupOf(row, key),
    cell: (row) => groupCell(groupOf(row, key), key),
    compare: (a, b) => groupOf(a, key).localeCompare(groupOf(b, key), 'en', { numeric: true }),
  };
}

/**
 * @param {UsageRow} row
 * @param {string} key
 */
export function groupOf(row, key) {
  const value = Object.entries(row).find(([name]) => name === key)?.[1];
  return value === null || value === undefined ? '' : String(value);
}

/**
 * @param {string} value
 * @param {string} key
 */
function groupCell(value, key) {
  if (value === '') return h('span', { class: 'quiet' }, 'not known');
  return key === 'version' ? contentWords({ version: value, hash: null }) : value;
}
