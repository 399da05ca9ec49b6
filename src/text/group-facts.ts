/**
 * What one message says of several alerts: first what they have in common (who, which source, since
 * when), then each place with how to put it back. Channels lay it out, and list as many as fit. Pure.
 */

import type { Alert, AlertGroup } from '../contract/channel.ts';
import type { Incident } from '../contract/incident.ts';
import type { TimeInterval, Timestamp } from '../contract/time.ts';
import { SEVERITIES } from '../contract/verdict.ts';
import { type AlertFacts, contentWords, headingOf, whereWords } from './alert-facts.ts';
import { timeWords } from './time-words.ts';
import { compareText } from '../lib/compare.ts';

export interface PlaceFacts {
  readonly where: string;
  /** Its verdict, and in what it is not like most of them. */
  readonly words: string;
  /** Empty when there is nothing to show, or too many to show it of each. */
  readonly diff: string;
  readonly restoreCommand: string | null;
  readonly incidentId: string;
  readonly url: string | null;
}

export interface GroupFacts extends AlertFacts {
  /** The prompt, or how many of them; completes the heading. */
  readonly subject: string;
  /** All of them, the worst first, and of these the rarest. */
  readonly places: readonly PlaceFacts[];
}

/** More places are counted, not listed: nobody reads on. */
export const PLACES_MAX = 20;
/** So many places can each show their diff. */
const DIFFS_MAX = 4;
/** Of one fact that differs. */
const VALUES_MAX = 4;
const NOBODY_KNOWN = 'not known';
const NO_OWNER = 'nobody';

export function groupFacts({ alerts, restoreCommand, showCommand }: AlertGroup): GroupFacts {
  const incidents = alerts.map(({ incident }) => incident);
  const isOver = alerts.every(({ transition }) => transition === 'resolved');
  const tone = SEVERITIES.findLast((severity) => incidents.some((incident) => incident.severity === severity));
  const diff = isOver ? '' : sharedDiff(incidents);
  const showsDiffs = !isOver && diff === '' && alerts.length <= DIFFS_MAX;
  return {
    tone: isOver ? 'good' : (tone ?? 'warning'),
    heading: groupHeading(alerts),
    subject: subjectOf(incidents),
    summary: isOver
      ? `${subjectOf(incidents)}${inEnvironments(incidents)}: ${alerts.length} incidents are resolved.`
      : openSummary(alerts, incidents),
    fields: isOver ? overFields(incidents) : openFields(incidents),
    diff,
    places: worstFirst(alerts).map((alert) => placeOf(alert, incidents, isOver, showsDiffs)),
    commands: [
      ...(restoreCommand === null ? [] : [{ label: 'Put all back', command: restoreCommand }]),
      { label: 'See all', command: showCommand },
    ],
  };
}

/** `Prompt drift, back again` where that is true of all of them. */
function groupHeading(alerts: readonly Alert[]): string {
  const [first = '', ...others] = distinct(alerts.map(headingOf));
  if (others.length === 0) return first;
  const kinds = distinct(alerts.map(({ incident }) => headingOf({ transition: 'opened', incident })));
  return kinds.map((kind, index) => (index === 0 ? kind : kind.toLowerCase())).join(', ');
}

function subjectOf(incidents: readonly Incident[]): string {
  const prompts = distinct(incidents.map(({ prompt }) => prompt));
  return prompts.length === 1 ? (prompts[0] ?? '') : `${prompts.length} prompts`;
}

function openSummary(alerts: readonly Alert[], incidents: readonly Incident[]): string {
  const prompts = distinct(incidents.map(({ prompt }) => prompt)).length;
  const verb = prompts === 1 ? 'is' : 'are';
  const places = prompts === alerts.length ? '' : `, in ${alerts.length} places`;
  const transitions = distinct(alerts.map(({ transition }) => transition));
  const news = transitions.length === 1 ? '' : ` ${tally(alerts.map((alert) => NEWS[alert.transition] ?? 'new'))}.`;
  return `${subjectOf(incidents)}${inEnvironments(incidents)} ${verb} out of true${places}.${news}`;
}

const NEWS: Readonly<Record<string, string>> = { reopened: 'back again', escalated: 'changed again' };

function openFields(incidents: readonly Incident[]): AlertFacts['fields'] {
  return [
    ...whereFields(incidents),
    { label: 'Verdict', value: tally(incidents.map(({ verdict, severity }) => `${verdict} (${severity})`)) },
    { label: 'Changed', value: spanWords(incidents.map(({ changedBetween }) => changedBetween)) },
    ...ifAny(
      'Changed by',
      NOBODY_KNOWN,
      incidents.map(({ changedBy }) => changedBy),
    ),
    ...ifAny(
      'Owner',
      NO_OWNER,
      incidents.map(({ owner }) => owner),
    ),
    { label: 'Calls affected', value: callsWords(incidents, ' so far') },
  ];
}

const ENDINGS: Readonly<Record<string, string>> = {
  in_sync_again: 'in sync again',
  restored: 'put back',
  pin_moved: 'the pin now names what is held',
  no_longer_watched: 'no longer watched',
  no_longer_called: 'no longer called',
};

function overFields(incidents: readonly Incident[]): AlertFacts['fields'] {
  const ends = incidents.map(({ resolvedAt, updatedAt }) => resolvedAt ?? updatedAt);
  return [
    ...whereFields(incidents),
    { label: 'Was', value: tally(incidents.map(({ verdict, severity }) => `${verdict} (${severity})`)) },
    { label: 'Now', value: tally(incidents.map(({ resolution }) => endingOf(resolution))) },
    { label: 'Resolved', value: spanWords(ends.map((end) => [end, end])) },
    ...ifAny(
      'Owner',
      NO_OWNER,
      incidents.map(({ owner }) => owner),
    ),
    { label: 'Calls affected', value: callsWords(incidents, '') },
  ];
}

function endingOf(resolution: string | null): string {
  return ENDINGS[resolution ?? ''] ?? `closed by hand by ${resolution ?? 'somebody'}`;
}

function whereFields(incidents: readonly Incident[]): AlertFacts['fields'] {
  return [
    { label: 'Source', value: tally(incidents.map(sourceOf)) },
    { label: 'Environment', value: tally(incidents.map(({ environment }) => environment)) },
  ];
}

/** Of `SOURCE/prompt`; of traffic `traffic:SERVICE`. */
function sourceOf({ target }: Incident): string {
  return target.split('/', 1)[0] ?? target;
}

function placeOf(alert: Alert, all: readonly Incident[], isOver: boolean, showsDiff: boolean): PlaceFacts {
  const { incident } = alert;
  const { verdict, severity, expected, observed, prompt, target, environment, changedBy, owner } = incident;
  const found = verdict === 'missing' ? 'nothing' : contentWords(observed.version, null);
  const unlikeMost = (fact: (each: Incident) => string | null, words: string): readonly string[] => {
    const same = all.filter((each) => fact(each) === fact(incident)).length;
    return same * 2 > all.length ? [] : [words];
  };
  const words = [
    ...(target.endsWith(`/${prompt}`) ? [] : [prompt]),
    isOver ? endingOf(incident.resolution) : `${verdict} (${severity})`,
    ...(isOver || expected === null ? [] : [`${contentWords(expected.version, null)} → ${found}`]),
    ...unlikeMost((each) => each.environment, `in ${environment}`),
    ...(isOver ? [] : unlikeMost((each) => each.changedBy, `changed by ${changedBy ?? NOBODY_KNOWN}`)),
    ...unlikeMost((each) => each.owner, `owner ${owner ?? NO_OWNER}`),
  ];
  return {
    where: whereWords(incident),
    words: words.join(', '),
    diff: showsDiff ? incident.diff : '',
    restoreCommand: alert.restoreCommand,
    incidentId: incident.id,
    url: alert.url,
  };
}

/** One change that all of them show is shown once; empty when they differ. */
function sharedDiff(incidents: readonly Incident[]): string {
  const bodies = distinct(incidents.map(({ diff }) => diff.split('\n').slice(2).join('\n')));
  const [body = ''] = bodies;
  if (bodies.length !== 1 || body === '') return '';
  return `--- expected\n+++ found, the same change in all ${incidents.length} places\n${body}`;
}

function worstFirst(alerts: readonly Alert[]): readonly Alert[] {
  const alike = new Map<string, number>();
  for (const { incident } of alerts) alike.set(incident.verdict, (alike.get(incident.verdict) ?? 0) + 1);
  const frequency = ({ incident }: Alert): number => alike.get(incident.verdict) ?? 0;
  return alerts.toSorted(
    (a, b) =>
      badness(b) - badness(a) || frequency(a) - frequency(b) || compareText(a.incident.target, b.incident.target),
  );
}

function badness({ incident }: Alert): number {
  return SEVERITIES.indexOf(incident.severity);
}

function inEnvironments(incidents: readonly Incident[]): string {
  const [first = '', ...others] = distinct(incidents.map(({ environment }) => environment));
  return others.length === 0 ? ` in ${first}` : ` in ${others.length + 1} environments`;
}

/** From the first to the last moment at which they may have changed. */
function spanWords(intervals: readonly TimeInterval[]): string {
  const ends = intervals.map(([after, by]) => by ?? after);
  const last = extreme(ends, (a, b) => a > b);
  if (last === null) return 'at an unknown time';
  const first = extreme(
    intervals.map(([after]) => after),
    (a, b) => a < b,
  );
  if (first === null) return `before ${timeWords(last)}`;
  return timeWords(first) === timeWords(last)
    ? `at ${timeWords(last)}`
    : `between ${timeWords(first)} and ${timeWords(last)}`;
}

/** Null where one of them is not known. */
function extreme(
  times: readonly (Timestamp | null)[],
  beats: (a: Timestamp, b: Timestamp) => boolean,
): Timestamp | null {
  return times.reduce((best, time) => (best === null || time === null ? null : beats(time, best) ? time : best));
}

function ifAny(label: string, otherwise: string, values: readonly (string | null)[]): AlertFacts['fields'] {
  if (values.every((value) => value === null)) return [];
  return [{ label, value: tally(values.map((value) => value ?? otherwise)) }];
}

/** One value as it is; several with how often each occurs: `198 × edited, 2 × missing`. */
function tally(values: readonly string[]): string {
  const counts = [...Map.groupBy(values, (value) => value)].map(([value, { length }]) => ({ value, length }));
  if (counts.length === 1) return counts[0]?.value ?? '';
  const sorted = counts.toSorted((a, b) => b.length - a.length || compareText(a.value, b.value));
  const words = sorted.slice(0, VALUES_MAX).map(({ value, length }) => `${length} × ${value}`);
  const left = sorted.slice(VALUES_MAX).reduce((sum, { length }) => sum + length, 0);
  return [...words, ...(left === 0 ? [] : [`${left} × others`])].join(', ');
}

/** A call that two of them show, say a source and its traffic, is in both. */
function callsWords(incidents: readonly Incident[], soFar: string): string {
  const sum = incidents.reduce((calls, { invocationsAffected }) => calls + invocationsAffected, 0);
  return sum === 0 ? `none seen${soFar}` : `${sum.toLocaleString('en-US')}${soFar}, over all places`;
}

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)];
}
