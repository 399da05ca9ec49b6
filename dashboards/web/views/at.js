// @ts-check
/** Which exact prompt was active at a moment, and how we know: an answer that can be cited. */

import { daemonNowMs } from '../api.js';
import { copyButton } from '../copy-button.js';
import { h, region } from '../dom.js';
import { plural } from '../numbers.js';
import { evidenceList, facts, field, section } from '../parts.js';
import { readTime, timeInput } from '../time-input.js';
import { boundaryWords, exactTimeWords, timestampOf } from '../time.js';
import { promptText } from '../visible-text.js';
import { contentWords, placeWords, versionWords } from '../words.js';

/** @typedef {import('../types.d.ts').ActiveAt} ActiveAt */
/** @typedef {import('../types.d.ts').Child} Child */
/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').Prompt} Prompt */
/** @typedef {import('../types.d.ts').Target} Target */
/** @typedef {import('../types.d.ts').TimelineEntry} Entry */
/** @typedef {{ answer: ActiveAt | null, prompts: readonly Prompt[], targets: readonly Target[] }} Data */

/** A list of suggestions with more is slow, and nobody reads it. */
const SUGGESTIONS_MAX = 200;
const AGES = /** @type {const} */ ([
  ['Now', 0],
  ['1 h ago', 3_600_000],
  ['24 h ago', 86_400_000],
]);

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<Data>}
 */
export function openAt(context) {
  const asked = {
    prompt: context.query.get('prompt') ?? '',
    environment: context.query.get('environment') ?? '',
    time: context.query.get('time') ?? '',
    target: context.query.get('target') ?? undefined,
    known_at: context.query.get('known_at') ?? undefined,
  };
  const { form, suggest } = createForm(asked, (query) => context.go(context.href('at', query)));
  const result = region(h('div', {}));
  const time = readTime(asked.time);

  return {
    title: 'At a time',
    element: h(
      'div',
      {},
      h('h1', {}, 'What was active at a time?'),
      h(
        'p',
        { class: 'quiet' },
        'Three answers that are never merged: what should have been there, what polls saw there, and what applications sent.',
      ),
      form,
      result.element,
    ),
    // The past stays as it is.
    refreshes: false,
    load: async (signal) => {
      const isComplete = asked.prompt !== '' && asked.environment !== '' && time !== null;
      const [answer, prompts, targets] = await Promise.all([
        isComplete ? context.api.at({ ...asked, time }, signal) : null,
        context.api.prompts(signal),
        context.api.targets(signal),
      ]);
      return { answer, prompts: prompts.data, targets: targets.data };
    },
    show: ({ answer, prompts, targets }) => {
      suggest(prompts, targets);
      result.show(answer, () => (answer === null ? null : answerPart(answer, asked, context)));
      return answer === null ? 'At a time' : `${answer.prompt} at ${exactTimeWords(answer.time)}`;
    },
  };
}

/**
 * @param {{ prompt: string, environment: string, time: string, target: string | undefined }} asked
 * @param {(query: import('../types.d.ts').Query) => void} onAsk
 */
function createForm(asked, onAsk) {
  const promptNames = h('datalist', { id: 'prompt-names' });
  const environmentNames = h('datalist', { id: 'environment-names' });
  const plain = { required: true, autocomplete: 'off', spellcheck: 'false' };
  const prompt = h('input', { name: 'prompt', list: 'prompt-names', value: asked.prompt, ...plain });
  const environment = h('input', {
    name: 'environment',
    list: 'environment-names',
    value: asked.environment,
    ...plain,
  });
  const time = timeInput({ name: 'time', value: asked.time, isRequired: true });
  const quick = AGES.map(([label, agoMs]) =>
    h('button', { type: 'button', class: 'small', onclick: () => setTime(agoMs) }, label),
  );
  /** @type {readonly string[]} */
  let names = [];

  /** @param {number} agoMs */
  function setTime(agoMs) {
    time.value = timestampOf(daemonNowMs() - agoMs)
      .replace('T', ' ')
      .replace('Z', '');
    time.setCustomValidity('');
  }
  function offer() {
    const typed = prompt.value.toLowerCase();
    promptNames.replaceChildren(
      ...names
        .filter((name) => name.toLowerCase().includes(typed))
        .slice(0, SUGGESTIONS_MAX)
        .map((value) => h('option', { value })),
    );
  }
  prompt.addEventListener('input', offer);

  const form = h(
    'form',
    { class: 'controls', 'aria-label': 'Ask about a time' },
    field('Prompt', prompt),
    field('Environment', environment),
    field('Time', time, 'UTC, or with an offset'),
    h('div', { class: 'quick', role: 'group', 'aria-label': 'Fill in a time' }, quick),
    h('button', { type: 'submit', class: 'primary' }, 'Ask'),
    promptNames,
    environmentNames,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const moment = readTime(time.value);
    if (moment !== null) onAsk({ prompt: prompt.value.trim(), environment: environment.value.trim(), time: moment });
  });

  return {
    form,
    suggest: (/** @type {readonly Prompt[]} */ prompts, /** @type {readonly Target[]} */ targets) => {
      names = [
        ...new Set([
          ...prompts.filter(({ component }) => !component).map(({ id }) => id),
          ...targets.map((target) => target.prompt),
        ]),
      ].toSorted();
      const environments = [
        ...new Set([
          ...prompts.flatMap(({ pins }) => pins.map((pin) => pin.environment)),
          ...targets.map((target) => target.environment),
        ]),
      ].toSorted();
      environmentNames.replaceChildren(
        ...environments.slice(0, SUGGESTIONS_MAX).map((value) => h('option', { value })),
      );
      if (environment.value === '' && environments.length > 0) {
        environment.value = environments.includes('production') ? 'production' : (environments[0] ?? '');
      }
      offer();
    },
  };
}

/**
 * @param {ActiveAt} answer
 * @param {{ known_at: string | undefined }} asked
 * @param {Context} context
 */
function answerPart(answer, asked, context) {
  const { intended, held, used } = answer;
  const query = { prompt: answer.prompt, environment: answer.environment, time: answer.time };
  const permalink = new URL(context.href('at', { ...query, known_at: answer.known_at }), location.href).href;
  return [
    h(
      'p',
      { class: 'answer-head' },
      h('strong', {}, answer.prompt),
      ` in ${answer.environment} at `,
      h('time', { datetime: answer.time }, exactTimeWords(answer.time)),
    ),
    h(
      'div',
      { class: 'timelines' },
      timeline(
        'Intended',
        'what was pinned',
        intended === null ? [] : [entryCard('', intended, 'intended')],
        'Nothing was pinned.',
      ),
      timeline(
        'Held',
        'what polls saw',
        held.map((entry) =>
          entryCard(
            placeWords(entry),
            entry,
            `held ${placeWords(entry)}`,
            entry.state === 'missing' ? 'nothing was there' : undefined,
          ),
        ),
        'Nothing was observed by then.',
      ),
      timeline(
        'Used',
        'what applications sent',
        used.map((entry, index) =>
          entryCard(`${entry.service}, ${plural(entry.invocations, 'call')}`, entry, `used ${index}`),
        ),
        'No traffic around that time.',
      ),
    ),
    section(
      'Cite this answer',
      h(
        'p',
        { class: 'quiet' },
        `It uses what was known at ${exactTimeWords(answer.known_at)}. The link says so, and gives the same answer later.`,
      ),
      h(
        'div',
        { class: 'command' },
        h('code', { tabindex: '0' }, permalink),
        copyButton(permalink, 'the link', context.announce),
      ),
      asked.known_at === undefined
        ? null
        : h('p', {}, h('a', { href: context.href('at', query) }, 'Ask again with what is known now')),
    ),
  ];
}

/**
 * @param {string} title
 * @param {string} meaning
 * @param {Child} cards
 * @param {string} none
 */
function timeline(title, meaning, cards, none) {
  const isEmpty = Array.isArray(cards) && cards.length === 0;
  return h(
    'section',
    {},
    h('h2', {}, title, ' ', h('small', {}, meaning)),
    isEmpty ? h('p', { class: 'quiet' }, none) : cards,
  );
}

/**
 * @param {string} label
 * @param {Entry} entry
 * @param {string} key
 * @param {string} [instead] Of the version.
 */
function entryCard(label, entry, key, instead) {
  const name = entry.version === null ? (instead ?? contentWords(entry)) : versionWords(entry.version);
  return h(
    'div',
    { class: 'card' },
    h('h3', {}, name),
    label === '' ? null : h('p', { class: 'place' }, label),
    facts([
      ['From', boundaryWords(entry.from, 'not known')],
      ['Until', boundaryWords(entry.until, 'still so')],
      ['Hash', entry.hash === null ? null : h('code', { class: 'full-hash' }, entry.hash)],
    ]),
    evidenceList(entry.evidence),
    entry.text === null ? null : promptText('Text', entry.text, key),
  );
}
