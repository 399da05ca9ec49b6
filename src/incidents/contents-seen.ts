/**
 * Which contents an incident has already shown. They are remembered with the incident, so that a
 * person sees the whole story, the calls of all of them are counted, and a place that alternates
 * between two texts is not announced again each time. Pure.
 */

import type { EarlierContent, Incident } from '../contract/incident.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Evidence, Judgement } from '../contract/verdict.ts';
import { serviceOfTraffic } from '../drift/traffic-target.ts';
import { sha256 } from '../lib/hash.ts';
import { intervalWords } from '../text/time-words.ts';

const EARLIER_CONTENT = 'earlier_content';
/** More are not remembered; by then the incident announces nothing new anyway. */
const REMEMBERED_MAX = 20;
const NOTHING = 'nothing';
const DIFF_HEAD_LINES = 2;

/** What calls are counted by: those with this content, from when it came until it was right again. */
export interface CountedContent {
  readonly version: string | null;
  readonly hash: Judgement['observed']['hash'];
  /** Earliest moment at which it may have been in use; null when not known. */
  readonly since: Timestamp | null;
  readonly until: Timestamp | null;
}

/** What tells two contents of a place apart. Settings and measures have no hash of their own: their diff has. */
export function contentOf(subject: Pick<Judgement, 'verdict' | 'observed' | 'diff'>): string {
  if (subject.verdict === 'settings_changed') return sha256(subject.diff);
  // Its head says where it is declared, and a line of a file is soon another one.
  if (subject.verdict === 'off_baseline') return sha256(subject.diff.split('\n').slice(DIFF_HEAD_LINES).join('\n'));
  return subject.observed.hash ?? NOTHING;
}

/** Whether what this judgement found is what the incident says: nothing else was found in between, also not that it is right. */
export function isStillHeld(incident: Incident, judgement: Judgement): boolean {
  const wasRight = incident.resolvedAt !== null || incident.calmSince !== null;
  return !wasRight && contentOf(judgement) === contentOf(incident);
}

/** All contents that this incident has had, its present one included. */
export function seenContents(incident: Incident): ReadonlySet<string> {
  return new Set([contentOf(incident), ...incident.earlierContents.map(({ content }) => content)]);
}

export function countedContents(incident: Incident): readonly CountedContent[] {
  const { observed, changedBetween, earlierContents, resolvedAt, target, prompt } = incident;
  const present = { ...observed, changedBetween, until: null };
  // What a service calls may have been right for months before it was not: what is known to be wrong is counted.
  const isTraffic = serviceOfTraffic(target, prompt) !== null;
  return [...earlierContents, present].map(({ version, hash, changedBetween: [after, by], until }) => ({
    version,
    hash,
    since: after ?? (isTraffic ? by : null),
    until: until ?? resolvedAt,
  }));
}

/** What was there before a new judgement, the incident's present content included if it is another one. */
export function rememberContent(incident: Incident, judgement: Judgement, now: Timestamp): readonly EarlierContent[] {
  const content = contentOf(incident);
  const { verdict, changedBetween, resolvedAt, earlierContents } = incident;
  const { version, hash } = incident.observed;
  const goesOn = isStillHeld(incident, judgement);
  const isKnown = earlierContents.some((earlier) => earlier.content === content && earlier.until === null);
  const present = { content, verdict, version, hash, changedBetween, until: null };
  const all = goesOn || isKnown ? earlierContents : [...earlierContents, present];
  return all.slice(-REMEMBERED_MAX).map((earlier) => {
    if (earlier.until !== null) return earlier;
    // The text of changed settings is right, as is one to which the pin has moved: from now on its calls are.
    return { ...earlier, until: resolvedAt ?? (isExpected(earlier, judgement) ? now : null) };
  });
}

/** The evidence of a new judgement, followed by the contents that came before it, and what was put back. */
export function evidenceWith(
  earlierContents: readonly EarlierContent[],
  incident: Incident,
  judgement: Judgement,
): readonly Evidence[] {
  const earlier = earlierContents.map(({ verdict, changedBetween, content }) => ({
    kind: EARLIER_CONTENT,
    words: `before, it was ${verdict}, changed ${intervalWords(changedBetween)}: ${content}`,
  }));
  const restores = incident.evidence.filter((evidence) => evidence.kind === 'restore');
  return [...judgement.evidence, ...earlier, ...restores.slice(-REMEMBERED_MAX)];
}

function isExpected({ version, hash }: EarlierContent, { expected }: Judgement): boolean {
  if (expected === null) return false;
  return hash === expected.hash || version === expected.version;
}
