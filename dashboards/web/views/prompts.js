// @ts-check
/** Everything that is registered. */

import { h } from '../dom.js';
import { countWords } from '../numbers.js';
import { filterBox, matches } from '../parts.js';
import { createTable } from '../table.js';
import { versionWords } from '../words.js';

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').Prompt} Prompt */
/** @typedef {import('../types.d.ts').Listed<Prompt>} Prompts */

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<Prompts>}
 */
export function openPrompts(context) {
  /** @type {readonly Prompt[]} */
  let prompts = [];
  let filter = context.query.get('q') ?? '';
  let sort = context.query.get('sort') ?? '';
  const table = createTable({
    caption: 'Registered prompts',
    noun: 'prompt',
    empty: 'No registered prompt matches.',
    keyOf: (/** @type {Prompt} */ prompt) => prompt.id,
    sort,
    onSort: (chosen) => {
      sort = chosen;
      saveAddress();
    },
    columns: columnsOf(context),
  });
  const input = filterBox({
    label: 'Filter prompts',
    value: filter,
    onInput: (text) => {
      filter = text;
      saveAddress();
      draw();
    },
  });

  function saveAddress() {
    context.setAddress('prompts', { sort, q: filter });
  }

  function draw() {
    table.show(prompts.filter((prompt) => matches(filter, [prompt.id, prompt.owner, ...prompt.tags])));
  }

  return {
    title: 'Prompts',
    element: h('div', {}, h('h1', {}, 'Prompts'), h('div', { class: 'controls' }, input), table.element),
    refreshes: true,
    load: (signal) => context.api.prompts(signal),
    show: ({ data }) => {
      prompts = data;
      draw();
    },
  };
}

/**
 * @param {Context} context
 * @returns {readonly import('../types.d.ts').Column<Prompt>[]}
 */
function columnsOf(context) {
  return [
    {
      key: 'id',
      label: 'Prompt',
      value: (prompt) => [prompt.id, prompt.component],
      cell: (prompt) => [
        h('a', { href: context.href(`prompts/${encodeURIComponent(prompt.id)}`), 'data-key': prompt.id }, prompt.id),
        prompt.component ? [' ', h('span', { class: 'label' }, 'component')] : null,
      ],
      compare: (a, b) => (a.id < b.id ? -1 : 1),
    },
    {
      key: 'owner',
      label: 'Owner',
      value: ({ owner }) => owner,
      cell: ({ owner }) => owner,
      compare: (a, b) => (a.owner < b.owner ? -1 : 1),
    },
    {
      key: 'newest',
      label: 'Newest',
      value: (prompt) => prompt.newest_version,
      cell: (prompt) => versionWords(prompt.newest_version),
    },
    {
      key: 'versions',
      label: 'Versions',
      isNumber: true,
      value: ({ versions }) => versions,
      cell: ({ versions }) => countWords(versions),
      compare: (a, b) => a.versions - b.versions,
    },
    {
      key: 'pins',
      label: 'Pinned',
      value: ({ pins }) => pins,
      cell: ({ pins }) =>
        pins.length === 0
          ? h('span', { class: 'quiet' }, 'nowhere')
          : pins.map((pin) => `${pin.environment}: ${versionWords(pin.version)}`).join(', '),
    },
    { key: 'tags', label: 'Tags', value: ({ tags }) => tags, cell: ({ tags }) => tags.join(', ') },
  ];
}
