// @ts-check
/** Asks for a prompt, an environment and a time. */

import { daemonNowMs } from './api.js';
import { h } from './dom.js';
import { field } from './parts.js';
import { readTime, timeInput } from './time-input.js';
import { timestampOf } from './time.js';

/** @typedef {import('./types.d.ts').Prompt} Prompt */
/** @typedef {import('./types.d.ts').Target} Target */

/** A list of suggestions with more is slow, and nobody reads it. */
const SUGGESTIONS_MAX = 200;
const AGES = /** @type {const} */ ([
  ['Now', 0],
  ['1 h ago', 3_600_000],
  ['24 h ago', 86_400_000],
]);

/**
 * @param {{ prompt: string, environment: string, time: string, target: string | undefined }} asked
 * @param {(query: import('./types.d.ts').Query) => void} onAsk
 */
export function createAtForm(asked, onAsk) {
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
