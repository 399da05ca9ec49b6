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
  const plain = { autocomplete: 'off', spellcheck: 'false' };
  const prompt = h('input', { name: 'prompt', list: 'prompt-names', value: asked.prompt, required: true, ...plain });
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
  const submit = h('button', { type: 'submit', class: 'primary' });
  /** @type {readonly string[]} */
  let names = [];
  /** Asked before the environments were known, from which the page chooses one itself. */
  let isWaiting = false;
  setWaiting(false);

  /** @param {boolean} waits */
  function setWaiting(waits) {
    isWaiting = waits;
    submit.textContent = waits ? 'Looking for the environment …' : 'Ask';
  }
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
    submit,
    promptNames,
    environmentNames,
  );
  form.addEventListener('input', () => setWaiting(false));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const moment = readTime(time.value);
    if (moment === null) return;
    // Only once they are known is it required.
    if (environment.value === '') setWaiting(true);
    else onAsk({ prompt: prompt.value.trim(), environment: environment.value.trim(), time: moment });
  });

  return {
    form,
    suggest: (/** @type {readonly Prompt[]} */ prompts, /** @type {readonly Target[]} */ targets) => {
      names = promptsIn(prompts, targets);
      const environments = environmentsIn(prompts, targets);
      environmentNames.replaceChildren(
        ...environments.slice(0, SUGGESTIONS_MAX).map((value) => h('option', { value })),
      );
      if (environment.value === '' && environments.length > 0) {
        environment.value = environments.includes('production') ? 'production' : (environments[0] ?? '');
      }
      environment.required = true;
      offer();
      if (!isWaiting) return;
      setWaiting(false);
      form.requestSubmit();
    },
  };
}

/** @param {readonly Prompt[]} prompts @param {readonly Target[]} targets */
function promptsIn(prompts, targets) {
  const registered = prompts.filter(({ component }) => !component).map(({ id }) => id);
  return [...new Set([...registered, ...targets.map((target) => target.prompt)])].toSorted();
}

/** @param {readonly Prompt[]} prompts @param {readonly Target[]} targets */
export function environmentsIn(prompts, targets) {
  const pinned = prompts.flatMap(({ pins }) => pins.map((pin) => pin.environment));
  return [...new Set([...pinned, ...targets.map((target) => target.environment)])].toSorted();
}
