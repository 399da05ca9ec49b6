// @ts-check
/** Did the outputs of a prompt change, although version and model are called the same? What did, with examples. */

import { h, region } from './dom.js';
import { seriesWords, stateDetail, STATE_TONES } from './output-words.js';
import { plural } from './numbers.js';
import { createTable } from './table.js';
import { age, changeWords, timeAndAge } from './time.js';
import { badge, versionWords } from './words.js';

/** @typedef {import('./types.d.ts').ExampleOutput} ExampleOutput */
/** @typedef {import('./types.d.ts').OutputChange} OutputChange */
/** @typedef {import('./types.d.ts').OutputStatus} OutputStatus */

/** An answer can be long, and what it is like shows at its beginning. */
const EXAMPLE_CHARACTERS = 4_000;

export function createOutputs() {
  const changes = region(h('div', {}));
  const table = createTable({
    caption: 'Outputs by version and model',
    noun: 'row',
    empty: 'No outputs were looked at yet. They are, hour by hour, where calls say what was answered.',
    keyOf: keyOfSeries,
    columns: [
      { key: 'version', label: 'Version', value: (row) => row.version, cell: (row) => versionWords(row.version) },
      { key: 'model', label: 'Model', value: (row) => row.model, cell: (row) => row.model || '–' },
      {
        key: 'environment',
        label: 'Environment',
        value: (row) => row.environment,
        cell: (row) => row.environment || '–',
      },
      {
        key: 'state',
        label: 'Outputs',
        value: (row) => row.state,
        cell: (row) => badge(STATE_TONES[row.state], row.state),
      },
      { key: 'detail', label: 'What is known', isWords: true, value: stateDetail, cell: stateDetail },
      { key: 'last', label: 'Newest', value: (row) => row.last_hour, cell: (row) => age(row.last_hour) },
    ],
  });
  return {
    element: h('div', {}, table.element, changes.element),
    /** @param {readonly OutputStatus[]} statuses */
    show: (statuses) => {
      table.show(statuses);
      const changed = statuses.flatMap((status) => (status.change === null ? [] : { status, change: status.change }));
      changes.show(
        changed.map(({ status, change }) => [keyOfSeries(status), change]),
        () => changed.map(({ status, change }) => changePart(status, change)),
      );
    },
  };
}

/** @param {OutputStatus} status */
function keyOfSeries({ environment, version, model }) {
  return JSON.stringify([environment, version, model]);
}

/**
 * @param {OutputStatus} status
 * @param {OutputChange} change
 */
function changePart(status, change) {
  const features = createTable({
    caption: `What changed: ${seriesWords(status)}`,
    noun: 'feature',
    empty: '',
    keyOf: (/** @type {OutputChange['features'][number]} */ feature) => feature.name,
    columns: [
      { key: 'words', label: 'What changed', value: ({ words }) => words, cell: ({ words }) => words },
      { key: 'before', label: 'Before', value: ({ before }) => before, cell: ({ before }) => valueShown(before) },
      { key: 'now', label: 'Since', value: ({ now }) => now, cell: ({ now }) => valueShown(now) },
    ],
  });
  features.show(change.features);
  return h(
    'section',
    { class: 'output-change' },
    h('h3', {}, badge(STATE_TONES.changed, 'changed'), ' ', seriesWords(status)),
    h(
      'p',
      {},
      `The same prompt and the same name of a model answer differently: it began ${changeWords(change.between)}; noticed `,
      timeAndAge(change.noticed_at),
    ),
    change.inputs_changed
      ? h('p', {}, badge('info', 'inputs changed'), ' What was asked changed too: that may be the reason.')
      : null,
    features.element,
    h(
      'div',
      { class: 'examples' },
      exampleList(`Before, of ${plural(change.outputs_before, 'output')}`, change.examples_before),
      exampleList(`Since, of ${plural(change.outputs_since, 'output')}`, change.examples_since),
    ),
  );
}

/** @param {string} value */
function valueShown(value) {
  return value === '' ? '–' : value;
}

/**
 * @param {string} title
 * @param {readonly ExampleOutput[]} examples
 */
function exampleList(title, examples) {
  return h(
    'div',
    {},
    h('h4', {}, title),
    examples.length === 0 ? h('p', { class: 'quiet' }, 'No examples.') : null,
    examples.map(({ trace_id: trace, started_at: at, text = null }) => [
      h('p', { class: 'quiet' }, timeAndAge(at), ' ', h('code', { title: trace }, `trace ${trace.slice(0, 12)}`)),
      exampleText(text),
    ]),
  );
}

/** @param {string | null} text */
function exampleText(text) {
  if (text === null) return h('p', { class: 'quiet' }, 'Its text is not kept.');
  if (text.trim() === '') return h('p', { class: 'quiet' }, 'It is empty.');
  const shown = text.slice(0, EXAMPLE_CHARACTERS);
  return h('pre', { class: 'prompt-text', tabindex: '0' }, shown, shown === text ? null : '…');
}
