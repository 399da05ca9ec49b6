// @ts-check
/** Asks for a key when the daemon wants one. */

import { storedKey } from './api.js';
import { h } from './dom.js';
import { explain } from './notices.js';
import { field } from './parts.js';

/**
 * @param {unknown} error Why a key is needed, or why this one is not enough.
 * @param {() => void} onKey A key is stored now.
 */
export function keyForm(error, onKey) {
  const [words] = explain(error);
  const wasRefused = storedKey.get() !== null;
  const input = h('input', {
    type: 'password',
    name: 'key',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'key-words',
  });
  const form = h(
    'form',
    { class: 'key-form' },
    h('h1', { tabindex: '-1' }, 'This daemon asks for a key'),
    h(
      'p',
      { id: 'key-words', class: wasRefused ? 'bad-words' : null },
      wasRefused
        ? words
        : 'Reading needs a key with the scope read; acknowledging, snoozing and resolving need operate.',
    ),
    field('Key', input, 'From keys: in plumbline.yaml. It stays in this tab and is forgotten with it.'),
    h('button', { type: 'submit', class: 'primary' }, 'Continue'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (key === '') return;
    storedKey.set(key);
    onKey();
  });
  return { element: form, focus: () => input.focus() };
}
