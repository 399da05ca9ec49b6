// @ts-check
/** What went wrong, where everybody sees it: above the view, or instead of it. */

import { ApiProblem } from './api.js';
import { h } from './dom.js';
import { exactTimeWords } from './time.js';

/** @typedef {import('./types.d.ts').Child} Child */

/** @param {HTMLElement} holder */
export function createNotices(holder) {
  const connection = h('div');
  const action = h('div');
  holder.append(connection, action);
  let said = '';
  return {
    /**
     * The daemon can't be asked; what is shown is old.
     * @param {unknown} error
     * @param {string | null} lastAnswer
     */
    disconnected(error, lastAnswer) {
      const [words, hint] = explain(error);
      const old = lastAnswer === null ? '' : ` What is shown is from ${exactTimeWords(lastAnswer)}.`;
      const all = `${words}${old} ${hint} Trying again every few seconds.`;
      if (all === said) return;
      said = all;
      connection.replaceChildren(
        h('p', { class: 'banner bad' }, h('strong', {}, words), `${old} ${hint} Trying again every few seconds.`),
      );
    },
    connected() {
      said = '';
      connection.replaceChildren();
    },
    /**
     * Something that a person asked for did not happen.
     * @param {unknown} error
     */
    failed(error) {
      const [words, hint] = explain(error);
      const close = h('button', { type: 'button', class: 'small', onclick: () => action.replaceChildren() }, 'Dismiss');
      action.replaceChildren(h('p', { class: 'banner bad' }, h('strong', {}, words), ` ${hint} `, close));
    },
    dismiss: () => action.replaceChildren(),
  };
}

/**
 * Instead of a view.
 * @param {unknown} error
 * @param {...Child} ways What can be done about it.
 */
export function problemPage(error, ...ways) {
  const [words, hint] = explain(error);
  const title = error instanceof ApiProblem ? error.title : 'Not found';
  return h(
    'section',
    { class: 'problem' },
    h('h1', { tabindex: '-1' }, title),
    h('p', {}, words),
    hint === '' ? null : h('p', { class: 'quiet' }, hint),
    h('p', {}, ...ways),
  );
}

/**
 * @param {unknown} error
 * @returns {[words: string, hint: string]}
 */
export function explain(error) {
  if (error instanceof ApiProblem) return [error.message, error.hint];
  return [error instanceof Error ? error.message : String(error), ''];
}
