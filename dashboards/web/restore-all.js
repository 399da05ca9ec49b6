// @ts-check
/** How to put back at once all that is wrong, where that is several places: one command, as alerts have it. */

import { copyButton } from './copy-button.js';
import { h } from './dom.js';
import { plural } from './numbers.js';

/** @typedef {import('./types.d.ts').Context} Context */
/** @typedef {import('./types.d.ts').Incident} Incident */
/** @typedef {import('./types.d.ts').Target} Target */

/**
 * Those that the command would put back.
 * @param {readonly Incident[]} unresolved
 * @param {readonly Target[]} targets
 */
function restorable(unresolved, targets) {
  const writable = new Set(targets.filter(({ powers }) => powers.includes('restore')).map(({ id }) => id));
  return unresolved.filter(
    ({ status, expected, target }) => status !== 'snoozed' && expected !== null && writable.has(target),
  );
}

/** @param {Context} context */
export function createRestoreAll(context) {
  /** How this daemon's command line is called; it is the same for all incidents. @type {string | null} */
  let verb = null;

  return {
    /**
     * @param {readonly Incident[]} unresolved
     * @param {readonly Target[]} targets
     * @param {AbortSignal} signal
     * @returns {Promise<{ command: string, places: number } | null>} Null when there is no more than one.
     */
    load: async (unresolved, targets, signal) => {
      const [first, ...others] = restorable(unresolved, targets);
      if (first === undefined || others.length === 0) return null;
      verb ??= await verbOf(first, context, signal);
      return verb === null ? null : { command: `${verb} --open`, places: others.length + 1 };
    },
    /**
     * @param {{ command: string, places: number }} all
     * @param {boolean} isMore There are more than those that were counted.
     */
    show: ({ command, places }, isMore) =>
      h(
        'details',
        { 'data-key': 'restore-all' },
        h('summary', {}, `Put back all ${isMore ? 'places' : plural(places, 'place')} at once`),
        h(
          'div',
          { class: 'command' },
          h('code', { tabindex: '0' }, command),
          copyButton(command, 'the command', context.announce),
        ),
        h(
          'p',
          { class: 'quiet' },
          'All that is wrong but for what is snoozed. It lists what it would write and asks once; --dry-run ends there, --environment and --source choose among them.',
        ),
      ),
  };
}

/**
 * @param {Incident} incident
 * @param {Context} context
 * @param {AbortSignal} signal
 */
async function verbOf({ id }, context, signal) {
  // It may have gone in between; the next refresh asks about another.
  const incident = await context.api.incident(id, signal).catch(() => null);
  return /^.*? restore(?= )/.exec(incident?.restore_command ?? '')?.[0] ?? null;
}
