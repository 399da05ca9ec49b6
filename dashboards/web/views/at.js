// @ts-check
/** Which exact prompt was active at a moment, and how we know: an answer that can be cited. */

import { atAnswer } from '../at-answer.js';
import { doubtsOf } from '../at-doubts.js';
import { createAtForm } from '../at-form.js';
import { h, region } from '../dom.js';
import { readTime } from '../time-input.js';
import { exactTimeWords } from '../time.js';

/** @typedef {import('../types.d.ts').ActiveAt} ActiveAt */
/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').Prompt} Prompt */
/** @typedef {import('../types.d.ts').Target} Target */
/** @typedef {{ answer: ActiveAt | null, prompts: readonly Prompt[], targets: readonly Target[] }} Data */

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
  const { form, suggest } = createAtForm(asked, (query) => context.go(context.href('at', query)));
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
        context.api.targets({}, signal),
      ]);
      return { answer, prompts: prompts.data, targets: targets.data };
    },
    show: ({ answer, prompts, targets }) => {
      suggest(prompts, targets);
      const doubts = answer === null ? [] : doubtsOf(answer, prompts, targets);
      result.show([answer, doubts], () => {
        if (answer !== null) return atAnswer(answer, asked, doubts, context);
        return asked.time === '' || time !== null
          ? null
          : h('p', { class: 'bad-words' }, `${asked.time} is not a time such as 2026-11-20 02:47.`);
      });
      return answer === null ? 'At a time' : `${answer.prompt} at ${exactTimeWords(answer.time)}`;
    },
  };
}
