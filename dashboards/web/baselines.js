// @ts-check
/** What the registry declares of calls of a prompt, and whether they still show it. */

import { h } from './dom.js';
import { countWords } from './numbers.js';
import { createTable } from './table.js';
import { changeWords } from './time.js';
import { badge, versionWords } from './words.js';

/** @typedef {import('./types.d.ts').BaselineStatus} BaselineStatus */

const COST_OF_CALL = 'cost_per_call_usd';

/** @type {Readonly<Record<BaselineStatus['state'], import('./words.js').Tone>>} */
const TONES = { unknown: 'quiet', within: 'good', off: 'warning', accepted: 'info' };

export function createBaselines() {
  const table = createTable({
    caption: 'What is declared of calls, and what they show',
    noun: 'row',
    empty: 'Nothing was compared yet. It is, hour by hour, where a version declares metrics and has calls.',
    keyOf: (/** @type {BaselineStatus} */ { environment, version, metric }) =>
      JSON.stringify([environment, version, metric]),
    columns: [
      { key: 'version', label: 'Version', value: (row) => row.version, cell: (row) => versionWords(row.version) },
      {
        key: 'environment',
        label: 'Environment',
        value: (row) => row.environment,
        cell: (row) => row.environment || '–',
      },
      { key: 'metric', label: 'What', value: metricWords, cell: metricWords },
      {
        key: 'declared',
        label: 'Declared',
        isNumber: true,
        value: (row) => row.declared,
        cell: (row) => valueWords(row, row.declared),
      },
      {
        key: 'measured',
        label: 'Measured',
        isNumber: true,
        value: (row) => row.measured?.mean ?? null,
        cell: measuredWords,
      },
      {
        key: 'of',
        label: 'Of',
        isNumber: true,
        value: (row) => row.measured?.of ?? null,
        cell: (row) => (row.measured === null ? '–' : countWords(row.measured.of)),
      },
      {
        key: 'state',
        label: 'State',
        value: (row) => row.state,
        cell: (row) => badge(TONES[row.state], row.state),
      },
      { key: 'since', label: 'Off since', isWords: true, value: sinceWords, cell: sinceWords },
    ],
  });
  return {
    element: h('div', {}, table.element),
    /** @param {readonly BaselineStatus[]} statuses */
    show: (statuses) => table.show(statuses),
  };
}

/** @param {BaselineStatus} status */
function metricWords({ metric }) {
  return metric === COST_OF_CALL ? 'cost of a call' : metric.replace(/^baseline_/, '');
}

/**
 * @param {BaselineStatus} status
 * @param {number} value
 */
function valueWords({ metric }, value) {
  const digits = value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
  return metric === COST_OF_CALL ? `$${digits}` : digits;
}

/** @param {BaselineStatus} status */
function measuredWords(status) {
  const { measured } = status;
  if (measured === null) return '–';
  const { mean, margin } = measured;
  // A margin that is too small for the digits shown says nothing.
  const isShown = margin !== null && margin > 0 && margin >= Math.abs(mean) / 1_000;
  return `${valueWords(status, mean)}${isShown ? ` ±${valueWords(status, margin)}` : ''}`;
}

/** @param {BaselineStatus} status */
function sinceWords({ change }) {
  if (change === null) return '';
  return `${changeWords(change.between)}${change.was_within ? '' : '; it was not seen near what is declared'}`;
}
