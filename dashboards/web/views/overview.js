// @ts-check
/** What is wrong now, then everything that is watched. */

import { h, region } from '../dom.js';
import { incidentItem } from '../incident-item.js';
import { plural } from '../numbers.js';
import { filterBox, matches, section } from '../parts.js';
import { createRestoreAll } from '../restore-all.js';
import { createTargetTable, targetRows } from '../target-table.js';
import { createVerdictCounts } from '../verdict-counts.js';
import { badness, spaced, toneOf } from '../words.js';

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').Incident} Incident */
/** @typedef {import('../types.d.ts').Target} Target */
/** @typedef {import('../target-table.js').TargetRow} TargetRow */
/**
 * @template Item
 * @typedef {import('../types.d.ts').Listed<Item>} Listed
 */
/** @typedef {{ targets: Listed<Target>, unresolved: Listed<Incident>, all: { command: string, places: number } | null, problems: readonly string[] }} Data */

/** More are behind a link: a page of a hundred is read by nobody. */
const INCIDENTS_MAX = 50;
const SEVERITIES = ['critical', 'warning', 'info'];

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<Data>}
 */
export function openOverview(context) {
  const headline = region(h('h1', {}));
  const problemPart = region(h('div', {}));
  const incidents = region(h('div', {}));
  const restoreAll = createRestoreAll(context);
  const restore = region(h('div', {}));
  const targetPart = createTargetPart(context);
  let openBefore = -1;
  return {
    title: 'Overview',
    element: h(
      'div',
      {},
      headline.element,
      problemPart.element,
      restore.element,
      incidents.element,
      targetPart.element,
    ),
    refreshes: true,
    load: async (signal) => {
      const [targets, unresolved, problems] = await Promise.all([
        context.api.targets({}, signal),
        loadWorst(context, signal),
        context.api.problems(signal),
      ]);
      return { targets, unresolved, problems, all: await restoreAll.load(unresolved.data, targets.data, signal) };
    },
    show: ({ targets, unresolved, all, problems }) => {
      const rows = targetRows(targets.data);
      const open = unresolved.data;
      const isMore = unresolved.next_cursor !== null;
      const words = headWords(rows, open.length, isMore);
      headline.show(words, () => words);
      problemPart.show(problems, () => problemList(problems));
      restore.show([all, isMore], () => (all === null ? null : restoreAll.show(all, isMore)));
      incidents.show([open, isMore], () => incidentList(open, isMore, context));
      targetPart.show(rows);
      if (openBefore >= 0 && open.length !== openBefore) context.announce(words);
      openBefore = open.length;
      return open.length === 0 ? 'Overview' : `${plural(open.length, 'incident')} · Overview`;
    },
  };
}

/**
 * For what is wrong with the daemon itself verdicts may be old.
 *
 * @param {readonly string[]} problems
 */
function problemList(problems) {
  if (problems.length === 0) return null;
  const words = problems.map((problem) => h('p', {}, problem));
  return h('section', { class: 'banner bad' }, h('h2', {}, 'Plumbline has problems of its own'), words);
}

/**
 * The worst first. Where there are more than are shown, those of each severity are asked for: the newest of all may be
 * fifty of staging.
 *
 * @param {Context} context
 * @param {AbortSignal} signal
 * @returns {Promise<Listed<Incident>>}
 */
async function loadWorst({ api }, signal) {
  const query = { status: 'unresolved', limit: String(INCIDENTS_MAX) };
  const newest = await api.incidents(query, signal);
  const pages =
    newest.next_cursor === null
      ? [newest]
      : await Promise.all(SEVERITIES.map((severity) => api.incidents({ ...query, severity }, signal)));
  const all = pages.flatMap(({ data }) => data).toSorted((a, b) => urgency(a) - urgency(b));
  return { data: all.slice(0, INCIDENTS_MAX), next_cursor: newest.next_cursor };
}

/**
 * The targets, of which a person may choose some; the choice is in the address.
 * @param {Context} context
 */
function createTargetPart(context) {
  /** @type {readonly TargetRow[]} */
  let rows = [];
  let verdict = context.query.get('verdict') ?? '';
  let text = context.query.get('q') ?? '';
  const table = createTargetTable(context, 'No target matches.');
  const counts = createVerdictCounts((chosen) => {
    verdict = chosen;
    choose();
  });
  const filter = filterBox({
    label: 'Filter targets',
    value: text,
    onInput: (typed) => {
      text = typed;
      choose();
    },
  });

  function choose() {
    context.setAddress('', { verdict, q: text });
    draw();
  }

  function draw() {
    counts.show(rows, verdict);
    table.show(rows.filter((row) => (verdict === '' || row.verdict === verdict) && matches(text, textsOf(row))));
  }

  return {
    element: section('Targets', counts.element, h('div', { class: 'controls' }, filter), table.element),
    show: (/** @type {readonly TargetRow[]} */ next) => {
      rows = next;
      draw();
    },
  };
}

/** @param {TargetRow} row */
function textsOf({ target, verdict }) {
  return [target.id, target.prompt, target.environment, target.type, spaced(verdict)];
}

/**
 * The worst first, what somebody is on after the rest; among equals the newest, as they come.
 * @param {Incident} incident
 */
function urgency({ verdict, severity, status }) {
  return badness(toneOf(verdict, severity)) + (status === 'open' ? 0 : 10);
}

/**
 * @param {readonly TargetRow[]} rows
 * @param {number} open
 * @param {boolean} isMore
 */
function headWords(rows, open, isMore) {
  if (open > 0)
    return isMore ? `More than ${plural(open, 'incident')} not resolved` : `${plural(open, 'incident')} not resolved`;
  if (rows.length === 0) return 'Nothing is watched yet';
  const unjudged = rows.filter(({ tone }) => tone === 'quiet').length;
  return unjudged === 0 ? 'Nothing is out of true' : `No incident; ${plural(unjudged, 'target')} can’t be judged`;
}

/**
 * @param {readonly Incident[]} incidents
 * @param {boolean} isMore
 * @param {Context} context
 */
function incidentList(incidents, isMore, context) {
  const more = isMore ? `All incidents: shown are the ${INCIDENTS_MAX} worst` : 'All incidents, also the resolved ones';
  return [
    h(
      'ul',
      { class: 'incident-list' },
      incidents.map((incident) => incidentItem(incident, context)),
    ),
    h('p', {}, h('a', { href: context.href('incidents'), 'data-key': 'all' }, more)),
  ];
}
