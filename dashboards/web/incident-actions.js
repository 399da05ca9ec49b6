// @ts-check
/** What a person says about an incident: on it, not now, done. */

import { h, region } from './dom.js';

/** @typedef {import('./types.d.ts').Context} Context */
/** @typedef {import('./types.d.ts').Incident} Incident */
/** @typedef {{ label: string, path: string, body?: object, done: string, title: string, isPrimary?: boolean, fits: (incident: Incident) => boolean }} Action */

/** @type {readonly Action[]} */
const ACTIONS = [
  {
    label: 'Acknowledge',
    path: 'acknowledge',
    done: 'Acknowledged.',
    title: 'Somebody is on it: nothing more is announced until it resolves or gets worse',
    isPrimary: true,
    fits: ({ status }) => status !== 'acknowledged',
  },
  {
    label: 'Snooze 1 h',
    path: 'snooze',
    body: { for: '1h' },
    done: 'Snoozed for an hour.',
    title: 'Quiet for an hour',
    fits: () => true,
  },
  {
    label: 'Snooze 8 h',
    path: 'snooze',
    body: { for: '8h' },
    done: 'Snoozed for eight hours.',
    title: 'Quiet for eight hours',
    fits: () => true,
  },
  {
    label: 'Resolve',
    path: 'resolve',
    done: 'Resolved.',
    title: 'Closes it by hand; it reopens if the problem is seen again',
    fits: () => true,
  },
];

/** @param {Context} context */
export function createIncidentActions(context) {
  const bar = region(h('div', { class: 'actions', role: 'group', 'aria-label': 'Say something about this incident' }));

  /**
   * @param {Action} action
   * @param {string} id
   */
  async function perform(action, id) {
    setDisabled(true);
    try {
      await context.api.tell(id, action.path, action.body);
      context.announce(action.done);
      await context.reload();
    } catch (error) {
      context.fail(error);
    } finally {
      setDisabled(false);
    }
  }

  /** @param {boolean} isDisabled Not the attribute: it would take the focus away. */
  function setDisabled(isDisabled) {
    for (const button of bar.element.querySelectorAll('button')) {
      if (isDisabled) button.setAttribute('aria-disabled', 'true');
      else button.removeAttribute('aria-disabled');
    }
  }

  return {
    element: bar.element,
    /** @param {Incident} incident */
    show(incident) {
      bar.show([incident.id, incident.status], () =>
        incident.status === 'resolved'
          ? null
          : ACTIONS.filter(({ fits }) => fits(incident)).map((action) => {
              const onclick = (/** @type {Event} */ event) => {
                const button = /** @type {HTMLElement} */ (event.currentTarget);
                if (button.getAttribute('aria-disabled') !== 'true') void perform(action, incident.id);
              };
              return h(
                'button',
                {
                  type: 'button',
                  class: action.isPrimary ? 'primary' : null,
                  title: action.title,
                  'data-key': action.label,
                  onclick,
                },
                action.label,
              );
            }),
      );
    },
  };
}
