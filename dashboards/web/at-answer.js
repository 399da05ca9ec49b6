// @ts-check
/** The three timelines side by side, each with its evidence, and how to cite them. */

import { copyButton } from './copy-button.js';
import { h } from './dom.js';
import { plural } from './numbers.js';
import { evidenceList, facts, section } from './parts.js';
import { boundaryWords, exactTimeWords } from './time.js';
import { promptText } from './prompt-text.js';
import { badge, contentWords, placeWords } from './words.js';

/** @typedef {import('./types.d.ts').ActiveAt} ActiveAt */
/** @typedef {import('./types.d.ts').Child} Child */
/** @typedef {import('./types.d.ts').Context} Context */
/** @typedef {import('./types.d.ts').TimelineEntry} Entry */

/**
 * @param {ActiveAt} answer
 * @param {{ target: string | undefined, known_at: string | undefined }} asked
 * @param {readonly string[]} doubts Why it may not be what was meant.
 * @param {Context} context
 */
export function atAnswer(answer, asked, doubts, context) {
  const { intended, held, used, calls_kept_since: keptSince } = answer;
  const isAsIntended = (/** @type {Entry} */ entry) => asIntended(entry, intended);
  return [
    h(
      'p',
      { class: 'answer-head' },
      h('strong', {}, answer.prompt),
      ` in ${answer.environment} at `,
      h('time', { datetime: answer.time }, exactTimeWords(answer.time)),
    ),
    doubts.map((words) => h('p', { class: 'doubt' }, badge('warning', words))),
    h(
      'div',
      { class: 'timelines' },
      timeline('Intended', 'what was pinned', 'No pin is known for then.', [
        intended === null ? null : card({ entry: intended, key: 'intended' }),
      ]),
      timeline(
        'Held',
        'what polls saw',
        'Nothing was observed by then.',
        held.map((entry) => {
          const place = placeWords(entry);
          return card({ entry, key: `held ${place}`, place, agrees: isAsIntended(entry) });
        }),
      ),
      timeline(
        'Used',
        'what applications sent',
        keptSince === null
          ? 'No call around that time is known to be of this prompt.'
          : `Not known any more: calls are kept since ${exactTimeWords(keptSince)}.`,
        used.map((entry, index) => {
          const place = `${entry.service}, ${plural(entry.invocations, 'call')}`;
          return card({ entry, key: `used ${index}`, place, agrees: isAsIntended(entry) });
        }),
      ),
    ),
    citation(answer, asked, context),
  ];
}

/**
 * Null when that can't be said: no pin is known, or no content was captured. A version may have
 * one text for each model, so the version decides before the hash does; but not when its text was changed.
 *
 * @param {Entry & { state?: string }} entry
 * @param {Entry | null} intended
 */
function asIntended(entry, intended) {
  if (intended === null) return null;
  if (entry.state === 'missing') return false;
  if (entry.version === null && entry.hash === null) return null;
  const hashDecides = entry.version === null || isChanged(entry) || isChanged(intended);
  return hashDecides ? entry.hash === intended.hash : entry.version === intended.version;
}

/** Its content came under the name of a version after another had. @param {Entry} entry */
function isChanged(entry) {
  return entry.evidence.some(({ kind }) => kind === 'changed_version');
}

/**
 * @param {string} title
 * @param {string} meaning
 * @param {string} none
 * @param {readonly (HTMLElement | null)[]} cards
 */
function timeline(title, meaning, none, cards) {
  const present = cards.filter((element) => element !== null);
  return h(
    'section',
    {},
    h('h2', {}, title, ' ', h('small', {}, meaning)),
    present.length === 0 ? h('p', { class: 'quiet' }, none) : present,
  );
}

/**
 * @param {{ entry: Entry & { state?: string }, key: string, place?: string, agrees?: boolean | null }} options
 */
function card({ entry, key, place, agrees }) {
  return h(
    'div',
    { class: 'card' },
    h('h3', {}, entry.state === 'missing' ? 'nothing was there' : contentWords(entry)),
    place === undefined ? null : h('p', { class: 'place' }, place),
    agrees === true ? h('p', {}, badge('good', 'as intended')) : null,
    agrees === false ? h('p', {}, badge('warning', 'not what was intended')) : null,
    facts([
      ['From', boundaryWords(entry.from, 'not known')],
      ['Until', boundaryWords(entry.until, 'still so')],
      ['Hash', entry.hash === null ? null : h('code', { class: 'full-hash' }, entry.hash)],
    ]),
    evidenceList(entry.evidence),
    entry.text === null ? null : promptText('Text', entry.text, key),
  );
}

/**
 * @param {ActiveAt} answer
 * @param {{ target: string | undefined, known_at: string | undefined }} asked
 * @param {Context} context
 */
function citation({ prompt, environment, time, known_at: knownAt }, asked, context) {
  const query = { prompt, environment, time, target: asked.target };
  const link = new URL(context.href('at', { ...query, known_at: knownAt }), location.href).href;
  const now = h('a', { href: context.href('at', query) }, 'Ask again with what is known now');
  return section(
    'Cite this answer',
    h(
      'p',
      { class: 'quiet' },
      `It uses what was known at ${exactTimeWords(knownAt)}. The link says so, and gives the same answer later. What was used is in it as long as calls are kept.`,
    ),
    h('div', { class: 'command' }, h('code', { tabindex: '0' }, link), copyButton(link, 'the link', context.announce)),
    asked.known_at === undefined ? null : h('p', {}, now),
  );
}
