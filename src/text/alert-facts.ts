/**
 * What an alert says, in words, in the order in which somebody in a hurry needs them. Channels only
 * lay it out. Pure.
 */

import type { Alert } from '../contract/channel.ts';
import type { Incident } from '../contract/incident.ts';
import { VERDICTS_OF_CALLS } from '../contract/verdict.ts';
import { formatDuration, millisBetween } from '../lib/time.ts';
import { shownHash } from './hashes.ts';
import { lastCallWords } from './last-call.ts';
import { intervalWords, timeWords } from './time-words.ts';

export interface AlertFacts {
  /** `critical`, `warning`, `info` while it is wrong; `good` when it is right again. */
  readonly tone: 'critical' | 'warning' | 'info' | 'good';
  /** A few words: `Prompt drift`, `Back again`, `Resolved`. */
  readonly heading: string;
  /** One sentence. */
  readonly summary: string;
  readonly fields: readonly { readonly label: string; readonly value: string }[];
  /** Empty when there is nothing to show. */
  readonly diff: string;
  readonly commands: readonly { readonly label: string; readonly command: string }[];
}

export function alertFacts(alert: Alert): AlertFacts {
  const { incident, transition } = alert;
  const isResolved = transition === 'resolved';
  return {
    tone: isResolved ? 'good' : incident.severity,
    heading: headingOf(alert),
    summary: isResolved ? resolvedSummary(incident) : incident.summary,
    fields: isResolved ? resolvedFields(incident) : openFields(incident),
    // What is over needs no diff: it is in the alert that opened it, and behind the command.
    diff: isResolved ? '' : incident.diff,
    commands: [
      ...(alert.restoreCommand === null ? [] : [{ label: 'Put it back', command: alert.restoreCommand }]),
      // There is nothing to put back: either something is to be done elsewhere, or this is how it is now.
      ...(VERDICTS_OF_CALLS.has(incident.verdict) && !isResolved
        ? [{ label: 'Take as normal', command: `${alert.showCommand} --resolve` }]
        : []),
      { label: 'See more', command: alert.showCommand },
    ],
  };
}

const KINDS: Partial<Readonly<Record<Incident['verdict'], string>>> = {
  registry_tampered: 'Registry tampered with',
  output_drift: 'Output drift',
  off_baseline: 'Off its baseline',
};

export function headingOf({ transition, incident }: Pick<Alert, 'transition' | 'incident'>): string {
  const kind = KINDS[incident.verdict] ?? 'Prompt drift';
  if (transition === 'resolved') return 'Resolved';
  if (transition === 'reopened') return `${kind}, back again`;
  return transition === 'escalated' ? `${kind}, changed again` : kind;
}

function openFields(incident: Incident): AlertFacts['fields'] {
  return [
    { label: 'Where', value: whereWords(incident) },
    { label: 'Environment', value: incident.environment },
    { label: 'Verdict', value: `${incident.verdict} (${incident.severity})` },
    ...(VERDICTS_OF_CALLS.has(incident.verdict) ? [] : contentFields(incident)),
    { label: 'Changed', value: intervalWords(incident.changedBetween) },
    ...(incident.changedBy === null ? [] : [{ label: 'Changed by', value: incident.changedBy }]),
    ...firstChange(incident),
    ...(incident.owner === null ? [] : [{ label: 'Owner', value: incident.owner }]),
    { label: 'Calls affected', value: `${callsWords(incident)} so far` },
    ...(incident.reopened === 0
      ? []
      : [{ label: 'Came back', value: incident.reopened === 1 ? 'once' : `${incident.reopened} times` }]),
  ];
}

function contentFields({ verdict, expected, observed }: Incident): AlertFacts['fields'] {
  const found = verdict === 'missing' ? 'nothing' : contentWords(observed.version, observed.hash);
  return [
    ...(expected === null ? [] : [{ label: 'Expected', value: contentWords(expected.version, expected.hash) }]),
    { label: 'Found', value: found },
  ];
}

const RESOLUTION_WORDS: Readonly<Record<string, string>> = {
  in_sync_again: 'is in sync again',
  restored: 'was put back and is in sync again',
  pin_moved: 'is in sync: the pin now names what it holds',
  no_longer_watched: 'is no longer watched there',
  no_longer_called: 'is no longer called that way',
};

const AGAIN: Partial<Readonly<Record<Incident['verdict'], string>>> = {
  output_drift: 'is answered as before again',
  off_baseline: 'is no longer off what is declared of it',
};

function resolvedSummary(incident: Incident): string {
  const by = incident.resolution ?? 'somebody';
  const again = by === 'in_sync_again' ? AGAIN[incident.verdict] : undefined;
  const words = again ?? RESOLUTION_WORDS[by] ?? `was closed by hand by ${by}`;
  const why =
    by === 'no_longer_called' ? `: ${lastCallWords(incident.evidence) ?? 'there was no call in eight days'}` : '';
  return `${incident.prompt} in ${incident.environment} ${words}${why}.`;
}

function resolvedFields(incident: Incident): AlertFacts['fields'] {
  const resolvedAt = incident.resolvedAt ?? incident.updatedAt;
  return [
    { label: 'Where', value: whereWords(incident) },
    { label: 'Environment', value: incident.environment },
    { label: 'Was', value: `${incident.verdict} (${incident.severity})` },
    { label: 'Changed', value: intervalWords(incident.changedBetween) },
    ...firstChange(incident),
    {
      label: 'Resolved',
      value: `${timeWords(resolvedAt)}, ${formatDuration(millisBetween(incident.openedAt, resolvedAt))} after it was opened`,
    },
    ...(incident.owner === null ? [] : [{ label: 'Owner', value: incident.owner }]),
    { label: 'Calls affected', value: callsWords(incident) },
  ];
}

/** Said where others followed it. */
function firstChange({ changedBetween, firstChangedBetween }: Incident): AlertFacts['fields'] {
  const first = intervalWords(firstChangedBetween);
  return first === intervalWords(changedBetween) ? [] : [{ label: 'First changed', value: first }];
}

export function whereWords({ target, part }: Incident): string {
  return part === '' ? target : `${target} (${part})`;
}

/** `v2, sha256:9f86d081884c`: enough of the hash to compare by eye. */
export function contentWords(version: string | null, hash: string | null): string {
  const name = version === null ? 'a text that is not registered' : /^\d/.test(version) ? `v${version}` : version;
  return hash === null ? name : `${name}, ${shownHash(hash)}`;
}

function callsWords({ invocationsAffected }: Incident): string {
  return invocationsAffected === 0 ? 'none seen' : invocationsAffected.toLocaleString('en-US');
}
