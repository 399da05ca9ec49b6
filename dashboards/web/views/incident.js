// @ts-check
/** One incident, in the order in which somebody in a hurry needs it. */

import { copyButton } from '../copy-button.js';
import { diffView } from '../diff-view.js';
import { h, region } from '../dom.js';
import { createIncidentActions } from '../incident-actions.js';
import { countWords } from '../numbers.js';
import { evidenceList, facts, section } from '../parts.js';
import { age, changeWords, durationWords, millisOf, timeAndAge, timestampOf, timeWords } from '../time.js';
import { promptText } from '../prompt-text.js';
import { badge, contentWords, placeWords, shortHash, spaced, toneOf } from '../words.js';

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').IncidentInFull} Incident */

const DAY_MS = 86_400_000;

/** Verdicts about what calls of a registered content do. */
const OF_CALLS = new Set(['output_drift', 'off_baseline']);

/** @type {Readonly<Record<string, string>>} */
const RESOLUTIONS = {
  in_sync_again: 'it is in sync again',
  restored: 'it was put back and is in sync again',
  pin_moved: 'the pin now names what it holds',
  no_longer_watched: 'it is no longer watched there',
  no_longer_called: 'it is no longer called that way: there was no call in eight days',
};

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<Incident>}
 */
export function openIncident(context) {
  const heading = region(h('h1', {}));
  const status = region(h('p', { class: 'labels' }));
  const actions = createIncidentActions(context);
  const known = region(h('div', {}));
  const diff = region(h('div', {}));
  const restore = region(h('div', {}));
  const evidence = region(h('div', {}));
  const deliveries = region(h('div', {}));

  return {
    title: `Incident ${context.id}`,
    element: h(
      'article',
      {},
      status.element,
      heading.element,
      actions.element,
      known.element,
      diff.element,
      restore.element,
      evidence.element,
      deliveries.element,
    ),
    refreshes: true,
    load: (signal) => context.api.incident(context.id, signal),
    show: (incident) => {
      heading.show(incident.summary, () => incident.summary);
      status.show(
        [
          incident.status,
          incident.severity,
          incident.acknowledged_by,
          incident.snoozed_until,
          incident.resolved_at,
          incident.calm_since,
        ],
        () => statusLine(incident),
      );
      actions.show(incident);
      known.show(factsShown(incident), () => factList(incident, context));
      diff.show([incident.diff, incident.observed], () => difference(incident));
      restore.show(incident.restore_command, () => restoring(incident.restore_command, context));
      evidence.show(incident.evidence, () => section('How we know', evidenceList(incident.evidence)));
      deliveries.show(incident.deliveries, () => deliveryTable(incident));
      return incident.summary;
    },
  };
}

/** @param {Incident} incident */
function statusLine(incident) {
  const isResolved = incident.status === 'resolved';
  return [
    badge(
      isResolved ? 'good' : toneOf(incident.verdict, incident.severity),
      isResolved ? 'resolved' : incident.severity,
    ),
    h('span', { class: 'status' }, ...statusWords(incident)),
  ];
}

/** @param {Incident} incident */
function statusWords(incident) {
  switch (incident.status) {
    case 'open':
      if (incident.calm_since === null) return ['Open since ', timeAndAge(incident.opened_at)];
      return ['In sync since ', timeAndAge(incident.calm_since), '; held open, for it comes and goes'];
    case 'acknowledged':
      return [`Acknowledged by ${incident.acknowledged_by ?? 'somebody'}; open since `, timeAndAge(incident.opened_at)];
    case 'snoozed':
      return ['Snoozed until ', timeAndAge(incident.snoozed_until, 'further notice')];
    case 'resolved': {
      const resolvedAt = incident.resolved_at ?? incident.opened_at;
      const why = RESOLUTIONS[incident.resolution ?? ''] ?? `closed by hand by ${incident.resolution ?? 'somebody'}`;
      return [
        `Resolved at ${timeWords(resolvedAt)} `,
        age(resolvedAt),
        `, ${durationWords(millisOf(resolvedAt) - millisOf(incident.opened_at))} after it was opened: ${why}`,
      ];
    }
  }
}

/**
 * What the facts depend on; evidence and deliveries have their own part.
 * @param {Incident} incident
 */
function factsShown(incident) {
  return { ...incident, evidence: [], deliveries: [], diff: '' };
}

/**
 * @param {Incident} incident
 * @param {Context} context
 */
function factList(incident, context) {
  return facts([
    [
      'Prompt',
      h(
        'a',
        { href: context.href(`prompts/${encodeURIComponent(incident.prompt)}`), 'data-key': 'prompt' },
        incident.prompt,
      ),
    ],
    ['Where', placeWords(incident)],
    ['Environment', incident.environment],
    ['Verdict', spaced(incident.verdict)],
    ...contentFacts(incident),
    [
      'Changed',
      [changeWords(incident.changed_between), ' ', age(incident.changed_between[1] ?? incident.changed_between[0], '')],
    ],
    ['Changed by', incident.changed_by ?? h('span', { class: 'quiet' }, `not known: ${whoDoesNotSay(incident)}`)],
    ['First changed', firstChange(incident)],
    ['Owner', incident.owner ?? h('span', { class: 'quiet' }, 'not known')],
    ['Calls affected', callsWords(incident)],
    ['Came back', incident.reopened === 0 ? null : incident.reopened === 1 ? 'once' : `${incident.reopened} times`],
    [
      'What was active',
      h(
        'a',
        {
          href: context.href('at', {
            prompt: incident.prompt,
            environment: incident.environment,
            time: incident.opened_at,
          }),
          'data-key': 'at',
        },
        `at ${timeWords(incident.opened_at)}, when it was opened`,
      ),
    ],
    [
      'What it did',
      h('a', { href: usageAround(incident, context), 'data-key': 'usage' }, 'cost, latency, quality by version'),
    ],
  ]);
}

/**
 * @param {Incident} incident
 * @returns {readonly (readonly [label: string, value: import('../types.d.ts').Child])[]}
 */
function contentFacts({ verdict, expected, observed }) {
  if (OF_CALLS.has(verdict)) return [['Version', [contentWords(observed), ', the same before and since']]];
  return [
    ['Expected', expected === null ? 'nothing is pinned' : [contentWords(expected), ' ', shortHash(expected.hash)]],
    ['Found', verdict === 'missing' ? 'nothing' : [contentWords(observed), ' ', shortHash(observed.hash)]],
  ];
}

/** @param {Incident} incident */
function whoDoesNotSay({ verdict, evidence }) {
  if (verdict === 'output_drift') return 'whoever serves the model does not say';
  if (verdict === 'off_baseline') return 'calls do not say';
  return evidence.some(({ kind }) => kind === 'traffic') ? 'traffic does not say' : 'the source does not say';
}

/**
 * From a day before it was wrong, so that there is something to compare with.
 * @param {Incident} incident
 * @param {Context} context
 */
function usageAround({ prompt, environment, opened_at: openedAt, first_changed_between: first }, context) {
  const since = millisOf(first[0] ?? first[1] ?? openedAt);
  const from = timestampOf(since - DAY_MS);
  return context.href('usage', { group_by: 'prompt,version,environment', from, q: `${prompt} ${environment}` });
}

/**
 * Told where others followed it.
 * @param {Incident} incident
 */
function firstChange({ changed_between, first_changed_between: first }) {
  if (changeWords(first) === changeWords(changed_between)) return null;
  return [changeWords(first), ' ', age(first[1] ?? first[0], '')];
}

/**
 * Of everything that was wrong there. While it goes on a count is kept until there are twice as many.
 * @param {Incident} incident
 */
function callsWords({ invocations_affected: calls, status }) {
  if (calls === 0) return status === 'resolved' ? 'none seen' : 'none seen so far';
  return status === 'resolved' ? countWords(calls) : `at least ${countWords(calls)} so far`;
}

/** @param {Incident} incident */
function difference({ diff, observed }) {
  if (diff === '' && observed.text === null) return null;
  return section(
    'What is different',
    diff === '' ? h('p', { class: 'quiet' }, 'There is nothing to compare it with.') : diffView(diff),
    observed.text === null ? null : promptText('The whole text that was found', observed.text, 'found'),
  );
}

/**
 * @param {string | null} command
 * @param {Context} context
 */
function restoring(command, context) {
  if (command === null) return null;
  return section(
    'Put it back',
    h(
      'div',
      { class: 'command' },
      h('code', { tabindex: '0' }, command),
      copyButton(command, 'the restore command', context.announce),
    ),
    h('p', { class: 'quiet' }, 'Add --dry-run to see first what would be written.'),
  );
}

/** @param {Incident} incident */
function deliveryTable({ deliveries }) {
  if (deliveries.length === 0) return section('Alerts', h('p', { class: 'quiet' }, 'None went out.'));
  const columns = ['About', 'Channel', 'Status', 'Attempts', 'When', 'Detail'];
  return section(
    'Alerts',
    h(
      'div',
      { class: 'table' },
      h(
        'table',
        { role: 'table' },
        h('caption', { class: 'unseen' }, 'Alerts that went out, or did not'),
        h(
          'thead',
          { role: 'rowgroup' },
          h(
            'tr',
            { role: 'row' },
            columns.map((label) => h('th', { scope: 'col', role: 'columnheader' }, label)),
          ),
        ),
        h(
          'tbody',
          { role: 'rowgroup' },
          deliveries.map((delivery) => {
            const cells = [
              delivery.transition,
              delivery.channel,
              deliveryBadge(delivery.status),
              delivery.attempts,
              age(delivery.updated_at),
              delivery.detail,
            ];
            return h(
              'tr',
              { role: 'row' },
              cells.map((cell, index) => h('td', { role: 'cell', 'data-label': columns[index] }, cell)),
            );
          }),
        ),
      ),
    ),
  );
}

/** @param {string} status */
function deliveryBadge(status) {
  const tones = /** @type {const} */ ({ delivered: 'good', failed: 'critical', pending: 'info' });
  return badge(Object.entries(tones).find(([name]) => name === status)?.[1] ?? 'quiet', status);
}
