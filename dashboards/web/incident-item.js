// @ts-check
/** One incident in a list: how bad, what, where, since when, and how many calls it touched. */

import { h } from './dom.js';
import { plural } from './numbers.js';
import { age, changeWords } from './time.js';
import { badge, placeWords, spaced, toneOf } from './words.js';

/** @typedef {import('./types.d.ts').Context} Context */
/** @typedef {import('./types.d.ts').Incident} Incident */

/**
 * @param {Incident} incident
 * @param {Context} context
 */
export function incidentItem(incident, context) {
  const isResolved = incident.status === 'resolved';
  const tone = isResolved ? 'good' : toneOf(incident.verdict, incident.severity);
  const first = changeWords(incident.first_changed_between);
  const last = changeWords(incident.changed_between);
  const since = incident.first_changed_between[1] ?? incident.opened_at;
  const calls = incident.invocations_affected;
  return h(
    'li',
    { class: `incident ${tone}` },
    h(
      'p',
      { class: 'labels' },
      badge(tone, isResolved ? 'resolved' : incident.severity),
      h('span', { class: 'label' }, spaced(incident.verdict)),
      incident.status === 'acknowledged' || incident.status === 'snoozed'
        ? h('span', { class: 'label' }, statusOf(incident))
        : null,
    ),
    h(
      'p',
      { class: 'summary' },
      h(
        'a',
        { href: context.href(`incidents/${encodeURIComponent(incident.id)}`), 'data-key': incident.id },
        incident.summary,
      ),
    ),
    h(
      'p',
      { class: 'quiet' },
      h('span', { class: 'place' }, placeWords(incident)),
      h(
        'span',
        {},
        `changed ${first}${last === first ? '' : `, again ${last}`} · `,
        age(isResolved ? incident.resolved_at : since),
      ),
      h(
        'span',
        {},
        calls === 0 ? 'no calls seen' : `${isResolved ? '' : 'at least '}${plural(calls, 'call')} affected`,
      ),
    ),
  );
}

/** @param {Incident} incident */
function statusOf(incident) {
  return incident.status === 'acknowledged' ? `acknowledged by ${incident.acknowledged_by ?? 'somebody'}` : 'snoozed';
}
